"""A prepared table larger than memory is read a column, or a lot of rows, at a time, and nothing depends on which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from artifact.prediction import lots, rows
from artifact.validation.frame import columns
from pipeline.data import prepare
from pipeline.engine import convert
from pipeline.evaluation import evaluate
from pipeline.gate import gate
from pipeline.packaging import package
from pipeline.params.params import Params
from pipeline.shared import paths, stored_columns, tables
from pipeline.shared.stored_columns import SomeRows, StoredColumns, beginning
from tests.pipeline.params.test_params import read
from tests.pipeline.repository import Repository


@pytest.fixture
def params(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """The toy table prepared, of which few cells are read together."""
    params = read(toy)
    prepare.main([])
    monkeypatch.setattr(stored_columns, "_MOST_CELLS", 1)
    return params


def test_columns_and_lots_are_the_whole_table(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each column, the lots one behind the other, and the first rows are those of the table read at once."""
    whole = columns(tables.read(paths.TRAIN, params)[0])
    monkeypatch.setattr(stored_columns, "ROWS", 7)  # of 42
    stored = StoredColumns(paths.TRAIN, params)
    parts = list(stored.lots())
    assert list(stored) == list(whole)
    assert [rows(part) for part in parts] == [7] * 6
    for name, values in whole.items():
        assert stored[name].dtype == values.dtype
        np.testing.assert_array_equal(stored[name], values)
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), values)
        np.testing.assert_array_equal(beginning(stored, 3)[name], values[:3])
    np.testing.assert_array_equal(tables.read_target(paths.TRAIN, params), tables.read(paths.TRAIN, params)[1])


def test_some_rows_are_read_from_their_lots(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chosen rows come in their order, by column and by lots alike; a lot without any of them is left out."""
    monkeypatch.setattr(stored_columns, "ROWS", 7)
    places = np.array([0, 1, 6, 7, 30])
    some = SomeRows(StoredColumns(paths.TRAIN, params), places)
    whole = columns(tables.read(paths.TRAIN, params)[0])
    assert [rows(part) for part in lots(some)] == [3, 1, 1]
    for name, values in whole.items():
        np.testing.assert_array_equal(some[name], values[places])
        np.testing.assert_array_equal(np.concatenate([part[name] for part in lots(some)]), values[places])


def test_memory_holds_one_column_of_a_long_table(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long table the column before goes when the next is read; a short one is read once."""
    requests: list[int] = []
    original = tables.read_columns
    monkeypatch.setattr(tables, "read_columns", lambda path, some: requests.append(len(some)) or original(path, some))
    stored = StoredColumns(paths.TRAIN, params)
    for _ in stored.items():
        assert len(stored._group) == 1
    assert requests == [1] * len(stored)
    monkeypatch.setattr(stored_columns, "_MOST_CELLS", 1 << 22)
    dict(StoredColumns(paths.TRAIN, params))
    assert requests[len(stored) :] == [len(stored)]


@pytest.mark.story
def test_lots_change_no_stage(again: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports, artifact and verdict are the same bytes in lots of nine rows as in one of all rows."""
    monkeypatch.chdir(again.path)
    monkeypatch.setattr(stored_columns, "_MOST_CELLS", 1)
    monkeypatch.setattr(stored_columns, "ROWS", 9)
    before = files_of(again.path)
    for stage in (convert, evaluate, package, gate):
        stage.main([])
    after = files_of(again.path)
    assert after.keys() == before.keys()
    assert [path for path in after if after[path] != before[path]] == []


def files_of(folder: Path) -> dict[str, bytes]:
    """What the stages wrote, but for pictures."""
    results = [path for part in ("build/artifact", "reports") for path in (folder / part).rglob("*")]
    results = [path for path in [*results, folder / "build/verdict.json"] if path.is_file() and path.suffix != ".png"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in results}
