"""A table in pieces: each row once and in its order, from any row on, while another piece is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifact.errors import DataContractError
from scoring.batches import Batches
from scoring.location import Disk
from scoring.score import read_ahead
from tests.deadlines import ANSWER_SECONDS

_TABLE = pa.table({"x": list(range(100)), "name": [f"n{number}" for number in range(100)]})


@pytest.mark.parametrize("skip", [0, 8, 16, 24, 32, 96, 100])
def test_pieces_of_a_parquet_of_several_row_groups(tmp_path: Path, skip: int) -> None:
    """However many rows its groups have, and wherever a run that was cut off goes on."""
    pq.write_table(_TABLE, tmp_path / "in.parquet", row_group_size=11)
    pieces = list(Batches(Disk(tmp_path / "in.parquet")).read(["x", "name"], 8, skip))
    assert [piece.num_rows for piece in pieces] == [8] * ((100 - skip) // 8) + [4] * (skip < 100)
    assert [row for piece in pieces for row in piece.to_pylist()] == _TABLE.slice(skip).to_pylist()
    if not skip:  # nothing has to be put together before it is scored
        assert {column.num_chunks for piece in pieces for column in piece.columns} == {1}


def test_a_caller_that_stops_leaves_no_thread_behind() -> None:
    """The thread ends with the table that it reads; none is read after it."""
    begun: list[int] = []

    def tables() -> Iterator[pa.Table]:
        for number in range(9):
            begun.append(number)
            yield _TABLE

    source = tables()
    ahead = read_ahead(source)
    next(ahead)
    ahead.close()
    source.close()  # ValueError if a thread is in it
    assert begun == [0, 1]


def test_the_next_table_is_read_while_one_is_scored() -> None:
    """One table ahead, and an error of the reader comes where the table would have come."""
    second = Event()

    def tables() -> Iterator[pa.Table]:
        yield _TABLE
        second.set()
        yield _TABLE.slice(50)
        raise DataContractError("the bytes end here")

    ahead = read_ahead(tables())
    assert next(ahead) is _TABLE
    assert second.wait(ANSWER_SECONDS), "nobody asked for it yet"
    assert next(ahead).num_rows == 50
    with pytest.raises(DataContractError, match="the bytes end here"):
        next(ahead)
