"""Read a table without changing a value, a chunk of rows at a time, so that it may be larger than memory."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from artifact.errors import DataContractError
from pipeline.data import faults, kinds
from pipeline.data.table import Table, files
from pipeline.data.table_file import ROWS, TableFile


def read(path: Path) -> Table:
    """All rows of the table at `path` at once; DataContractError (40) where it is no such table."""
    parts = list(chunks(path))
    try:
        whole = pa.concat_tables([part.columns for part in parts], promote_options="permissive")
    except pa.ArrowException as error:
        raise DataContractError(f"the files in {path} do not fit together: {error}; write them alike") from error
    return Table(whole, parts[0].text)


def chunks(path: Path) -> Iterator[Table]:
    """The rows of the table at `path`, in their order; at least one row in all.

    Raises DataContractError (40) where it is no such table, or its files have different columns.
    """
    rows = 0
    for part, file in opened(path):
        within = None if part == path else part.relative_to(path).as_posix()
        first = 0
        for batch in _batches(part, file):
            yield Table(pa.Table.from_batches([batch]), file.kind.text, first, within)
            first += batch.num_rows
        rows += first
    if rows == 0:
        raise empty(path)


def empty(path: Path) -> DataContractError:
    """The error for a table without a row."""
    return DataContractError(f"{path} has a header and no rows; nothing can be trained on it")


def opened(path: Path) -> Iterator[tuple[Path, TableFile]]:
    """Each file of the table at `path`, in their order, whose columns are those of the first."""
    parts = files(path)
    expected: list[str] | None = None
    for part in parts:
        kind = kinds.of(part.name)
        assert kind is not None  # `files` refuses others
        file = checked(part, functools.partial(TableFile, part, kind, functools.partial(part.open, "rb")))
        names = list(file.types)
        expected = names if expected is None else expected
        if names != expected:
            raise DataContractError(
                f"{part} has other columns than {parts[0]}: {names} against {expected}; give both the same"
            )
        yield part, file


def checked(path: Path, reading: Callable[[], Any]) -> Any:
    """What `reading` of the file at `path` gives; DataContractError (40) where it cannot be read."""
    try:
        return reading()
    except (pa.ArrowException, OSError, EOFError, ValueError, zlib.error) as error:
        raise faults.unreadable(path, error) from error


def _batches(path: Path, file: TableFile) -> Iterator[pa.RecordBatch]:
    checked(path, file.check_bytes)
    remaining = file.batches()
    while (batch := checked(path, lambda: next(remaining, None))) is not None:
        for first in range(0, batch.num_rows, ROWS):  # a file of Arrow may have batches of any size
            yield batch.slice(first, ROWS)
