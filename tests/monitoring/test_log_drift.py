"""`monitoring log-drift` on logs that `ship` wrote, of a real artifact: values, relations, costs, hashes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifact.errors import DataContractError, UsageError
from monitoring import log_drift
from shipper.destination import Destination
from shipper.ship import ship
from tests.predictor import models
from tests.predictor.models import Packaged

DAY, ROWS = 86400.0, 2000
SHIFT, SHUFFLE = "petal length (cm)", ["sepal length (cm)", "petal length (cm)"]


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """The artifact that answers."""
    return models.iris(tmp_path_factory.mktemp("artifact") / "iris")


def drawn(iris: Packaged, rows: int, seed: int) -> pd.DataFrame:
    """Rows like those of the data set: drawn from it, with an error of measurement."""
    random = np.random.default_rng(seed)
    data = models.load_iris(as_frame=True).data
    return data.iloc[random.integers(0, len(data), rows)].reset_index(drop=True) + random.normal(0, 0.05, (rows, 4))


def log(folder: Path, iris: Packaged, rows: pd.DataFrame, **more: Any) -> Path:
    """Parquet, as it is shipped, of two days in which each of `rows` was a request; `more` replaces inputs."""
    folder.mkdir()
    probabilities = iris.pipeline.predict_proba(rows)
    classes = list(iris.pipeline.classes_)
    text = rows.astype(object).assign(**more) if more else rows
    lines = [
        json.dumps(
            {"request_id": f"r{number}", "row": 0, "time": 1_790_000_000 + number * (2 * DAY / (len(rows) - 1))}
            | {"digest": iris.digest, "release": iris.release, "inputs": values, "prediction": classes[sure.argmax()]}
            | {"probabilities": dict(zip(classes, sure.tolist(), strict=True))}
        )
        for number, (values, sure) in enumerate(zip(text.to_dict("records"), probabilities, strict=True))
    ]
    (folder / "one.jsonl").write_text("\n".join(lines))
    ship(folder, Destination(str(folder / "log")))
    return folder / "log"


def printed(iris: Packaged, logged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    """What the command prints, in windows of a day."""
    drawn(iris, 1000, 1).to_parquet(tmp_path / "train.parquet")
    arguments = ["--log", logged, "--artifact", iris.directory, "--reference", tmp_path / "train.parquet"]
    log_drift.main([*map(str, arguments), "--window", "86400", "--least", "1000", *options])
    return capsys.readouterr().out


def test_rows_like_the_reference_raise_nothing(
    iris: Packaged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two windows without drift: no alarm of the bins and none of the classifier, whose AUC is about a half."""
    content = json.loads(
        printed(iris, log(tmp_path / "still", iris, drawn(iris, 2 * ROWS, 2)), tmp_path, capsys, "--json")
    )
    assert (content["alarm"], content["features"], content["windows"]) == (False, [], 2)
    assert content["digest"] == iris.digest
    assert 0.4 < content["classifier"]["auc"] < 0.6


def test_a_feature_that_moved_leads_and_a_relation_that_broke_is_seen_by_the_classifier(
    iris: Packaged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shift alarms by its bins; values that are shuffled among the rows keep every bin, and the classifier alarms."""
    rows = drawn(iris, 2 * ROWS, 3)
    moved = log(tmp_path / "moved", iris, rows.assign(**{SHIFT: rows[SHIFT] + 0.6}))
    text = printed(iris, moved, tmp_path, capsys, "--page", str(tmp_path / "page.html"))
    assert f"{iris.digest}: drift; 2 windows" in text
    assert "look first, by the accuracy" in text
    assert "a classifier tells the last window" in (tmp_path / "page.html").read_text()
    assert SHIFT in json.loads(printed(iris, moved, tmp_path, capsys, "--json"))["features"]
    random = np.random.default_rng(4)
    broken = rows.assign(**{name: random.permutation(rows[name]) for name in SHUFFLE})
    content = json.loads(printed(iris, log(tmp_path / "broken", iris, broken), tmp_path, capsys, "--json"))
    assert content["alarm"]
    assert content["classifier"]["lower"] > 0.6
    assert set(content["features"]) & set(SHUFFLE)
    assert sum(content["classifier"]["shares"].values()) == pytest.approx(1, abs=0.01)


def test_what_cannot_be_compared_is_said(iris: Packaged, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Hashed inputs are refused with the option that leaves them out; a log of another digest names what it has."""
    rows = drawn(iris, 40, 5)
    hashed = log(tmp_path / "hashed", iris, rows, **{SHIFT: "0123456789abcdef" * 2})
    with pytest.raises(DataContractError, match=r"--without 'petal length \(cm\)'"):
        printed(iris, hashed, tmp_path, capsys)
    assert "not enough rows yet" in printed(iris, hashed, tmp_path, capsys, "--without", SHIFT)
    people = models.people(tmp_path / "people")
    with pytest.raises(UsageError, match=f"no row of {people.digest}"):
        printed(people, hashed, tmp_path, capsys)
