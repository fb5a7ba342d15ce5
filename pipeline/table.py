"""Read a CSV or Parquet table, or a folder of them, without changing a value: CSV cells stay text."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from artifact import digest
from artifact.errors import DataContractError

SUFFIXES = (".csv", ".parquet")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Table:
    """Columns as they stand in the file: text in a CSV (a null is a cell with nothing in it, not even quotes), typed in
    Parquet."""

    columns: pa.Table
    text: bool


def data_digest(path: Path) -> str:
    """Digest of the raw bytes of a file; of the sorted paths and contents of a folder."""
    return digest.of_tree(path, files(path)) if path.is_dir() else digest.of_file(_present(path))


def files(path: Path) -> list[Path]:
    """The file at `path`, or the files of that folder in the order of their paths; all of one kind."""
    found = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [_present(path)]
    for file in found:
        if file.suffix.lower() not in SUFFIXES:
            raise DataContractError(f"{file} is neither .csv nor .parquet; convert it, or move it out of the data")
    if not found:
        raise DataContractError(f"{path} is an empty folder; put .csv or .parquet files there")
    if len({file.suffix.lower() for file in found}) > 1:
        raise DataContractError(f"{path} mixes .csv and .parquet; keep one kind")
    return found


def _present(path: Path) -> Path:
    if not path.exists():
        raise DataContractError(f"{path} is not here; fetch it with `dvc pull`, or correct data.path in params.yaml")
    return path


def read(path: Path) -> Table:
    """All rows of the table at `path`; DataContractError (40) where it is no such table."""
    parts = files(path)
    text = parts[0].suffix.lower() == ".csv"
    tables = [_csv(part) if text else _parquet(part) for part in parts]
    for part, table in zip(parts, tables, strict=True):
        if table.column_names != tables[0].column_names:
            raise DataContractError(
                f"{part} has other columns than {parts[0]}: {table.column_names} against {tables[0].column_names}"
            )
    try:
        table = pa.concat_tables(tables, promote_options="none" if text else "permissive")
    except pa.ArrowInvalid as error:
        raise DataContractError(f"the files in {path} do not fit together: {error}") from error
    if table.num_rows == 0:
        raise _no_rows(path)
    return Table(table, text)


def _csv(path: Path) -> pa.Table:
    names = _header(path)
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    read_options = pyarrow.csv.ReadOptions(use_threads=False)
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    if _quotes(path) % 2:
        raise DataContractError(
            f"{path} has an odd number of quotes: a quoted cell is never closed, or the file is cut off; "
            "close it, or write it again"
        )
    return _checked(path, lambda: pyarrow.csv.read_csv(path, read_options, parse, convert))


def _quotes(path: Path) -> int:
    # The reader itself takes everything up to the end of the file as the last cell.
    with path.open("rb") as file:
        return sum(chunk.count(b'"') for chunk in iter(lambda: file.read(1 << 20), b""))


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
        raise DataContractError(f"{path}: its header is no line of a CSV: {error}") from error
    if not names:
        raise DataContractError(f"{path} is empty; a table begins with a line of column names")
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise DataContractError(
            f"{path} has the one column {names[0]!r}; separate columns by commas, not by ';', tab or '|'"
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataContractError(f"{path} has the column {twice!r} {names.count(twice)} times; rename all but one")
    return names


def _parquet(path: Path) -> pa.Table:
    table = _checked(path, lambda: pyarrow.parquet.ParquetFile(path).read(use_threads=False))
    twice = next((name for name in table.column_names if table.column_names.count(name) > 1), None)
    if twice is not None:
        raise DataContractError(
            f"{path} has the column {twice!r} {table.column_names.count(twice)} times; rename all but one"
        )
    return table


def _checked(path: Path, reading: Callable[[], pa.Table]) -> pa.Table:
    try:
        return reading()
    except (pa.ArrowException, OSError, ValueError) as error:
        problem = " ".join(str(error).split())
        if "UTF8" in problem or "UTF-8" in problem:
            raise _latin(path) from error
        if "Empty CSV" in problem:
            raise _no_rows(path) from error
        raise DataContractError(
            f"{path} cannot be read as {path.suffix[1:]}: {problem[:300]}; write it again, every row with every column"
        ) from error


def _no_rows(path: Path) -> DataContractError:
    return DataContractError(f"{path} has a header and no rows; nothing can be trained on it")


def _latin(path: Path) -> DataContractError:
    return DataContractError(
        f"{path} is not UTF-8; convert it, from Latin-1 for example: iconv -f LATIN1 -t UTF-8 {path} > utf8.csv"
    )
