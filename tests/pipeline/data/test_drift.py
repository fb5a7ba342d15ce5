"""New data against what the champion was trained on: said in the report, refused where params.yaml asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifact import digest, profile
from artifact.errors import DataContractError, IntegrityError
from artifact.prediction import Prediction
from artifact.signature import Output, Signature
from pipeline.data import drift, prepare
from pipeline.shared import paths, tables
from tests.pipeline.params.test_params import read
from tests.pipeline.toy import GOOD, csv

RANDOM = np.random.default_rng(4)
SCHEMA = {
    "a": {"dtype": "float64", "nullable": True},
    "b": {"dtype": "string"},
    "flag": {"dtype": "bool"},
    "y": {"dtype": "string"},
}
# Enough rows that chance alone explains little.
TABLE = pd.concat([GOOD.assign(a=GOOD["a"] + step / 40) for step in range(40)])
TABLE["flag"] = np.where(np.arange(len(TABLE)) % 3, "true", "false")
TABLE["count"] = RANDOM.integers(0, 9, len(TABLE))


def trained_on(root: Path, frame: pd.DataFrame) -> None:
    """Make build/champion what a champion trained on `frame` leaves there."""
    Path("data/toy.csv").write_bytes(csv(frame))
    params = read(root, schema=SCHEMA, train__preprocessing={})
    prepare.main([])
    features, target = tables.read(paths.TRAIN, params)
    columns = {str(name): values.to_numpy() for name, values in features.items()}
    signature = Signature("classification", params.features, (Output("label", "string"),))
    paths.CHAMPION.mkdir(parents=True)
    reference = profile.reference(signature, columns, Prediction(target, None))
    files = {"profile.json": json.dumps(reference).encode()}
    listed = [{"path": name, "sha256": digest.of_bytes(data)} for name, data in files.items()]
    files["manifest.json"] = json.dumps({"files": listed}).encode()
    for name, data in files.items():
        (paths.CHAMPION / name).write_bytes(data)
    record = {"schema_version": 1, "champion": {"digest": digest.of_bytes(files["manifest.json"])}}
    paths.CHAMPION_RECORD.write_text(json.dumps(record))


def compared(root: Path, frame: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    Path("data/toy.csv").write_bytes(csv(frame))
    read(root, **{"schema": SCHEMA, "train__preprocessing": {}, **changes})
    prepare.main([])
    content = json.loads(paths.DATA.read_text(encoding="utf-8"))["drift"]
    return {feature["column"]: feature for feature in content["features"]}


def test_unchanged_data_shows_no_drift(toy: Path) -> None:
    """The champion's own table: every index is exactly 0, and everything is ok."""
    trained_on(toy, TABLE)
    result = compared(toy, TABLE)
    assert {name: (feature["psi"], feature["state"]) for name, feature in result.items()} == {
        "a": (0.0, "ok"),
        "b": (0.0, "ok"),
        "flag": (0.0, "ok"),
    }


CHANGED: list[tuple[str, str, pd.DataFrame, str]] = [
    ("psi", "a", TABLE.assign(a=TABLE["a"] + 2), "PSI "),
    ("missing", "a", TABLE.assign(a=TABLE["a"].where(np.arange(len(TABLE)) % 5 > 0)), "missing +18.8%"),
    ("unseen", "b", TABLE.assign(b=np.where(np.arange(len(TABLE)) % 10, TABLE["b"], "new")), "unseen 9.8%"),
    ("psi", "flag", TABLE.assign(flag="true"), "PSI "),
]


@pytest.mark.parametrize(("kind", "column", "frame", "words"), CHANGED, ids=[f"{row[0]} {row[1]}" for row in CHANGED])
def test_a_change_warns_and_is_refused_when_asked(
    toy: Path, capsys: pytest.CaptureFixture[str], kind: str, column: str, frame: pd.DataFrame, words: str
) -> None:
    """By default new data trains, and report and output say what changed; with prepare.drift.refuse it is exit 40."""
    trained_on(toy, TABLE)
    result = compared(toy, frame)
    assert {name for name, feature in result.items() if feature["state"] == "warn"} == {column}
    assert f"changed since the champion: '{column}': " in capsys.readouterr().out
    (line,) = (line for line in paths.DATA_TEXT.read_text().splitlines() if "**changed**" in line)
    assert f"| {column} | " in line
    assert words in line
    before = paths.TRAIN.read_bytes()
    with pytest.raises(DataContractError, match=f"'{column}': PSI .*raise prepare.drift.refuse"):
        compared(toy, frame, prepare__drift={"refuse": {kind: 0.05}})
    assert paths.TRAIN.read_bytes() == before
    assert not list(Path("build").rglob("*.partial"))


def test_few_rows_are_not_called_drift(toy: Path) -> None:
    """Of 42 rows an index beyond 0.2 is what chance gives: the report has it, nobody is warned."""
    trained_on(toy, GOOD.assign(flag="true"))
    result = compared(toy, GOOD.assign(flag="true", a=GOOD["a"].to_numpy()[::-1] + 0.2))
    assert result["a"]["psi"] > 0.1
    assert result["a"]["psi"] < result["a"]["chance"]
    assert result["a"]["state"] == "ok"


def test_features_that_one_of_them_lacks_are_named(toy: Path) -> None:
    """A new feature, one that is gone, and one of another form are said, not compared."""
    trained_on(toy, TABLE)
    schema = {"b": {"dtype": "string"}, "count": {"dtype": "int64"}, "flag": {"dtype": "string"}, "y": SCHEMA["y"]}
    result = compared(toy, TABLE, schema=schema)
    assert result["count"]["note"] == "the champion does not have it"
    assert result["a"]["note"] == "only the champion has it"
    assert result["flag"]["note"] is None
    result = compared(toy, TABLE, schema=schema | {"b": {"dtype": "string"}, "a": {"dtype": "string"}})
    assert result["a"]["note"] == "the champion has it in another form"


def test_no_champion_is_said_by_the_record(toy: Path) -> None:
    """What an earlier run left in build/champion is not compared with once Git names none."""
    trained_on(toy, TABLE)
    paths.CHAMPION_RECORD.write_text('{"schema_version": 1, "champion": null}')
    prepare.main([])
    assert json.loads(paths.DATA.read_text(encoding="utf-8"))["drift"] is None


@pytest.mark.parametrize("name", ["profile.json", "manifest.json"])
def test_a_damaged_champion_is_not_compared_with(toy: Path, name: str) -> None:
    """Exit 20 names the file that is not the one of the champion's digest."""
    trained_on(toy, TABLE)
    (paths.CHAMPION / name).write_text('{"rows": 3}')
    with pytest.raises(IntegrityError, match=f"build/champion/{name} is sha256-.*dvc repro champion"):
        compared(toy, TABLE)
    assert not json.loads(paths.DATA.read_text(encoding="utf-8"))["passed"]
    (paths.CHAMPION / name).unlink()
    with pytest.raises(IntegrityError, match=r"no reference profile.*No such file"):
        compared(toy, TABLE)


def test_the_index_is_the_published_one() -> None:
    """Against the sum written out, and against its distribution between samples of one population."""
    expected, counts = np.array([10.0, 20, 70]), np.array([20.0, 20, 60])
    by_hand = (0.2 - 0.1) * np.log(2) + (0.6 - 0.7) * np.log(6 / 7)
    assert drift.psi(expected, counts)[0] == pytest.approx(by_hand)
    random = np.random.default_rng(1)
    beyond = 0
    for _ in range(2000):
        first, second = (random.multinomial(500, [0.1] * 10).astype(float) for _ in range(2))
        value, chance = drift.psi(first, second)
        beyond += value > chance
    assert beyond <= 12  # 2 of 2,000 are to be expected
