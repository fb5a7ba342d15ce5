"""The stage prepare, as a program: what it writes, and how it ends when the data is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifact.errors import DataContractError
from pipeline.data import prepare
from pipeline.params.params import Params
from pipeline.shared import paths, tables
from tests.pipeline.params.test_params import read
from tests.pipeline.repository import Repository

ROWS = [
    (index / 7, "xyz"[index % 3], "yes" if index % 4 else "no", f"2024-01-{index % 28 + 1:02d}") for index in range(60)
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml and its table, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    pd.DataFrame(ROWS, columns=["a", "b", "y", "day"]).to_csv(tmp_path / "data/toy.csv", index=False)
    return tmp_path


def prepare_with(root: Path, **changes: Any) -> Params:
    params = read(root, **changes)
    prepare.main([])
    return params


def test_what_is_written_is_what_is_read(root: Path) -> None:
    """Frames in the forms that serving uses, the target beside them, no row lost; unused columns are said."""
    params = prepare_with(root)
    train, test = (tables.read(path, params) for path in (paths.TRAIN, paths.TEST))
    assert [str(dtype) for dtype in train[0].dtypes] == ["float64", "object"]
    together = sorted([*zip(train[0]["a"], train[1], strict=True), *zip(test[0]["a"], test[1], strict=True)])
    assert together == sorted((row[0], row[2]) for row in ROWS)
    summary = json.loads(paths.PREPARED.read_text(encoding="utf-8"))
    assert summary["rows"] == {"train": 43, "test": 17, "left_out": 0}
    assert summary["unused"] == ["day"]


def test_missing_values_come_back_as_nan(root: Path) -> None:
    """Of numbers, of text and of booleans, as `artifact.validation` gives them."""
    table = pd.read_csv("data/toy.csv").assign(flag=[None, True, False] * 20)
    table.loc[::5, ["a", "b"]] = np.nan
    table.to_csv("data/toy.csv", index=False)
    schema = {
        "a": {"dtype": "float64", "nullable": True},
        "b": {"dtype": "string", "nullable": True},
        "flag": {"dtype": "bool", "nullable": True},
        "y": {"dtype": "string"},
    }
    params = prepare_with(root, schema=schema, train__preprocessing={})
    frame, _ = tables.read(paths.TRAIN, params)
    assert set(frame["flag"].dropna()) == {0.0, 1.0}
    for name in ("a", "b", "flag"):
        assert all(isinstance(value, float) and value != value for value in frame[name][frame[name].isna()])
        assert frame[name].isna().any()


def test_a_column_that_only_orders_the_rows_needs_no_place_in_the_schema(root: Path) -> None:
    """data.time outside the schema: the latest days are held out, and the model never sees them."""
    params = prepare_with(root, data__time="day", prepare__split__method="time")
    days = dict(zip([row[0] for row in ROWS], [row[3] for row in ROWS], strict=True))
    train, test = (tables.read(path, params)[0]["a"].map(days) for path in (paths.TRAIN, paths.TEST))
    assert train.max() < test.min()


def test_a_time_that_is_no_date_is_refused(root: Path) -> None:
    """Exit 40 names column and row."""
    Path("data/toy.csv").write_text(Path("data/toy.csv").read_text().replace("2024-01-03", "soon", 1))
    with pytest.raises(DataContractError, match=r"'day': data\.time: ISO 8601.*1 row \(3\), the first holds 'soon'"):
        prepare_with(root, data__time="day", prepare__split__method="time")


def test_wrong_data_ends_with_40(fresh: Repository) -> None:
    """The last line on stderr says column, rule, rows and remedy; nothing is prepared."""
    fresh.replace("data/iris.csv", "5.1,3.5,1.4,0.2,setosa\n4.9", "5.1,-3.5,1.4,0.2,setosa\nabc")
    refused = fresh.run("pipeline", "prepare")
    assert refused.returncode == 40
    last = refused.stderr.splitlines()[-1]
    assert "'sepal width (cm)': range: at least 0: 1 row (1), the first holds -3.5" in last
    assert "'sepal length (cm)': dtype: float64: 1 row (2), the first holds 'abc'" in last
    assert last.startswith("error: ")
    assert not (fresh.path / "build").exists()
