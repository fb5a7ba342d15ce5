"""Read a table without changing a value, a chunk of rows at a time, so that it may be larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from artifact.errors import DataContractError
from pipeline.data import arrow_files, faults
from pipeline.data.table import Table, files

ROWS = 1 << 16  # rows of a Parquet file in a chunk


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
    parts = files(path)
    text = parts[0].suffix.lower() == ".csv"
    expected: list[str] | None = None
    rows = 0
    for part in parts:
        names = _header(part) if text else _names(part)
        expected = names if expected is None else expected
        if names != expected:
            raise DataContractError(
                f"{part} has other columns than {parts[0]}: {names} against {expected}; give both the same"
            )
        file = None if part == path else part.relative_to(path).as_posix()
        first = 0
        for batch in _csv(part, names) if text else _parquet(part):
            yield Table(pa.Table.from_batches([batch]), text, first, file)
            first += batch.num_rows
        rows += first
    if rows == 0:
        raise DataContractError(f"{path} has a header and no rows; nothing can be trained on it")


def _csv(path: Path, names: list[str]) -> Iterator[pa.RecordBatch]:
    _check_bytes(path)
    try:
        reader = _checked(path, lambda: arrow_files.csv(path, names, threads=False))
    except _Empty:
        return
    with reader:
        yield from _batches(path, reader)


def _parquet(path: Path) -> Iterator[pa.RecordBatch]:
    with _opened(path) as file:
        yield from _batches(path, file.iter_batches(batch_size=ROWS, use_threads=False))


def _batches(path: Path, batches: Any) -> Iterator[pa.RecordBatch]:
    remaining = iter(batches)
    while (batch := _checked(path, lambda: next(remaining, None))) is not None:
        if batch.num_rows:
            yield batch


def _check_bytes(path: Path) -> None:
    content = faults.Bytes(path)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            content.add(piece)
    content.end()


def _header(path: Path) -> list[str]:
    with path.open("rb") as raw:
        return faults.once(path, faults.header(path, raw))


def _names(path: Path) -> list[str]:
    with _opened(path) as file:
        return faults.once(path, file.schema_arrow.names)


def _opened(path: Path) -> Any:
    return _checked(path, lambda: arrow_files.parquet(path))


class _Empty(Exception):
    """A CSV of a header only."""


def _checked(path: Path, reading: Callable[[], Any]) -> Any:
    try:
        return reading()
    except (pa.ArrowException, OSError, ValueError) as error:
        if "Empty CSV" in str(error):
            raise _Empty from error
        raise faults.unreadable(path, error) from error
