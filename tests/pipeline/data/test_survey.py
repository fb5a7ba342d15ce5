"""A table larger than memory is read in chunks, and nothing depends on where they end."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandera.config import ValidationDepth, config_context

from artifact.errors import DataContractError
from pipeline.data import faults, prepare, reader, totals
from pipeline.data.sample import Sample
from pipeline.shared import paths
from tests.pipeline.params.test_params import read
from tests.pipeline.toy import GOOD, at, csv, parquet

RECENT: dict[str, Any] = {
    "data__time": "day",
    "prepare__split__method": "time",
    "prepare__contract": {"max_age_days": 30},
}


def prepared() -> list[pd.DataFrame]:
    prepare.main([])
    return [pd.read_parquet(path) for path in (paths.TRAIN, paths.TEST)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("method", ["stratified", "random", "time"])
def test_chunks_change_nothing(toy: Path, monkeypatch: pytest.MonkeyPatch, kind: str, method: str) -> None:
    """The same rows in the same order and the same report, whether in one chunk or in chunks of a few rows."""
    time = {"data__time": "day", "prepare__split__method": "time"}
    read(toy, data__path=f"data/toy.{kind}", **(time if method == "time" else {"prepare__split__method": method}))
    Path(f"data/toy.{kind}").write_bytes({"csv": csv, "parquet": parquet}[kind](GOOD))
    whole, summary, report = prepared(), paths.PREPARED.read_text(), paths.DATA.read_text()
    monkeypatch.setattr(faults, "BLOCK", 200)
    monkeypatch.setattr(reader, "ROWS", 7)
    assert len(list(reader.chunks(Path(f"data/toy.{kind}")))) > 5
    for expected, actual in zip(whole, prepared(), strict=True):
        pd.testing.assert_frame_equal(expected, actual)
    assert (paths.PREPARED.read_text(), paths.DATA.read_text()) == (summary, report)


def test_rows_are_counted_through_all_chunks(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Number and first rows of a violation are those of the whole file, as a person counts them."""
    Path("data/toy.csv").write_bytes(at(GOOD, "a", {20: "x", 40: "y", 41: "z", 60: "w"}))
    monkeypatch.setattr(faults, "BLOCK", 200)
    read(toy)
    with pytest.raises(DataContractError, match=r"'a': dtype: float64: 4 rows \(20, 40, 41, …\), the first holds 'x'"):
        prepare.main([])


def test_rows_of_a_folder_are_counted_in_their_file(toy: Path) -> None:
    """A violation names file and row."""
    Path("data/toy.csv").unlink()
    Path("data/parts").mkdir()
    Path("data/parts/1.csv").write_bytes(csv(GOOD))
    Path("data/parts/2.csv").write_bytes(at(GOOD, "a", {7: "x"}))
    params = {"data__path": "data/parts"}
    read(toy, **params)
    with pytest.raises(DataContractError, match=r"'a': dtype: float64: 1 row \(2\.csv:7\)"):
        prepare.main([])
    Path("data/parts/2.csv").write_bytes(csv(GOOD))
    read(toy, **params, prepare__contract={"key": ["order"]})
    with pytest.raises(DataContractError, match=r"'order': .*: 60 rows \(2\.csv:1, 2\.csv:2, 2\.csv:3, …\)"):
        prepare.main([])


def test_what_may_be_missing_may_be_missing_twice(toy: Path) -> None:
    """unique: true of a nullable column compares the values that are there."""
    Path("data/toy.csv").write_bytes(at(GOOD.assign(a=np.arange(60) / 7), "a", {3: None, 9: None}))
    read(toy, schema__a={"dtype": "float64", "nullable": True, "unique": True})
    assert sum(part["a"].isna().sum() for part in prepared()) == 2


def test_fresh_data_trains_and_its_age_is_written_nowhere(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock says whether training may start, never what comes out: a day later every file is the same."""
    read(toy, **RECENT)
    files = []
    for day in (26, 27):
        now = datetime.datetime(2024, 12, day, tzinfo=datetime.UTC)
        monkeypatch.setattr(totals, "_now", lambda now=now: now)
        prepared()
        files.append({path: path.read_bytes() for path in Path().rglob("*.*") if path.is_file()})
    assert files[0] == files[1]
    assert json.loads(paths.DATA.read_text())["newest"] == "2024-12-24T00:00:00Z"
    monkeypatch.setattr(totals, "_now", lambda: datetime.datetime(2025, 2, 1, tzinfo=datetime.UTC))
    with pytest.raises(DataContractError, match="at most 30 days old; it is of 2024-12-24"):
        prepare.main([])


def test_pandera_cannot_be_switched_off(toy: Path) -> None:
    """What Pandera takes from the environment (PANDERA_VALIDATION_ENABLED, …) loosens nothing."""
    read(toy, schema__a={"dtype": "float64", "range": [0, 0.001]})
    for off in ({"validation_enabled": False}, {"validation_depth": ValidationDepth.SCHEMA_ONLY}):
        with config_context(**off), pytest.raises(DataContractError, match="range: at most"):
            prepare.main([])


def test_a_sample_follows_from_the_row_numbers_alone() -> None:
    """However the rows are cut into chunks, the same of them are drawn, evenly from the whole table."""
    drawn = []
    for size in (1000, 37):
        sample = Sample(100)
        for first in range(0, 1000, size):
            sample.add(first, {"x": np.arange(first, min(first + size, 1000)) * 2})
        assert sample.columns["x"].tolist() == (sample.rows * 2).tolist()
        drawn.append(sample.rows.tolist())
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 100
    assert 30 < np.sum(np.array(drawn[0]) < 500) < 70
