"""Read a table without changing a value, a chunk of rows at a time, so that it may be larger than memory."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from artifact.errors import DataContractError
from pipeline.data.table import Table, files

BLOCK = 4 << 20  # bytes of a CSV in a chunk, so that no row may be longer; pyarrow reads up to 32 of them ahead
ROWS = 1 << 16  # rows of a Parquet file in a chunk
_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+): (.*)")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


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
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    read_options = pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK)
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    try:
        reader = _checked(path, lambda: pyarrow.csv.open_csv(path, read_options, parse, convert))
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
    """What the reader itself lets through: a quote that is never closed takes the rest of the file as one cell."""
    quotes = place = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            quotes += piece.count(b'"')
            nul = piece.find(b"\0")
            if nul >= 0:
                raise DataContractError(
                    f"{path} holds a NUL byte at offset {place + nul}, which no text has: it is cut off, overwritten "
                    "or no CSV; write it again"
                )
            place += len(piece)
    if quotes % 2:
        raise DataContractError(
            f"{path} has an odd number of quotes: a quoted cell is never closed, or the file is cut off; "
            "close it, or write it again"
        )


def _header(path: Path) -> list[str]:
    with path.open("rb") as raw:
        head = raw.read(2)
    if head in _UTF16:
        raise DataContractError(f"{path} is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 {path} > utf8.csv")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise _latin(path) from error
    except csv.Error as error:
        raise DataContractError(f"{path}: its header is no line of a CSV: {error}; write it again") from error
    if not names:
        raise DataContractError(f"{path} is empty; a table begins with a line of column names")
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise DataContractError(
            f"{path} has the one column {names[0]!r}; separate columns by commas, not by ';', tab or '|'"
        )
    return _once(path, names)


def _names(path: Path) -> list[str]:
    with _opened(path) as file:
        return _once(path, file.schema_arrow.names)


def _opened(path: Path) -> Any:
    # Neither threads nor read-ahead: memory stays that of a chunk, however large a row group is.
    return _checked(path, lambda: pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20))


def _once(path: Path, names: list[str]) -> list[str]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataContractError(f"{path} has the column {twice!r} {names.count(twice)} times; rename all but one")
    return names


class _Empty(Exception):
    """A CSV of a header only."""


def _checked(path: Path, reading: Callable[[], Any]) -> Any:
    try:
        return reading()
    except (pa.ArrowException, OSError, ValueError) as error:
        problem = " ".join(str(error).split())
        if "UTF8" in problem or "UTF-8" in problem:
            raise _latin(path) from error
        if "Empty CSV" in problem:
            raise _Empty from error
        if "straddling" in problem:
            raise DataContractError(
                f"{path} has a row of more than {BLOCK} bytes: a quote is closed too late; close it, or keep such a "
                "value in a file of its own"
            ) from error
        ragged = _RAGGED.search(problem)
        if ragged is not None:  # numbered with the header
            raise DataContractError(
                f"{path}: row {int(ragged[1]) - 1} has {ragged[3]} cells, the header {ragged[2]}: {ragged[4][:80]}; "
                "write it again, every row with every column"
            ) from error
        raise DataContractError(
            f"{path} cannot be read as {path.suffix[1:]}: {problem[:300]}; write it again"
        ) from error


def _latin(path: Path) -> DataContractError:
    return DataContractError(
        f"{path} is not UTF-8; convert it, from Latin-1 for example: iconv -f LATIN1 -t UTF-8 {path} > utf8.csv"
    )
