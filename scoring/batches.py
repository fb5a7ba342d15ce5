"""A CSV or Parquet table of any size, in pieces of a fixed number of rows; CSV cells stay text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from artifact.errors import DataContractError
from pipeline.data import arrow_files, faults
from pipeline.params.messages import near
from scoring.location import Location

SUFFIXES = (".csv", ".parquet")


def suffix(location: Location) -> str:
    """`.csv` or `.parquet`; DataContractError (40) for another name."""
    ending = next((candidate for candidate in SUFFIXES if str(location).lower().endswith(candidate)), None)
    if ending is None:
        raise DataContractError(f"{location} is neither .csv nor .parquet; convert it, or name it as what it is")
    return ending


class Batches:
    """The table at `location`. `text`: its cells are text, as in a CSV; `types`: column → type, in their order."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self.text = suffix(location) == ".csv"
        with self._refused():
            if self.text:
                with location.open() as stream:
                    names = faults.once(location, faults.header(location, stream))
                self.types: dict[str, pa.DataType] = dict.fromkeys(names, pa.string())
                self.rows: int | None = None  # nobody knows before the end
            else:
                with location.open() as stream:
                    file = arrow_files.parquet(stream)
                    names = faults.once(location, list(file.schema_arrow.names))
                    self.types = dict(zip(names, map(_plain, file.schema_arrow.types), strict=True))
                    self.rows = file.metadata.num_rows

    def require(self, names: Sequence[str]) -> None:
        """DataContractError (40) unless every one of `names` is a column."""
        missing = [name for name in names if name not in self.types]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise DataContractError(
                f"{self.location} has no column {missing[0]!r}{more}{near(missing[0], self.types)}; "
                "a table to score has every feature of the model under its name"
            )

    def read(self, columns: Sequence[str], rows: int, skip: int = 0) -> Iterator[pa.Table]:
        """`columns` in pieces of `rows` rows, the last one shorter, without the first `skip` rows."""
        with self._refused(), self.location.open() as stream:
            pieces = self._csv(stream, columns) if self.text else self._parquet(stream, columns, rows, skip)
            plain = pa.schema([(name, self.types[name]) for name in columns])
            for table in _exactly(rows, pieces, skip):
                yield table.cast(plain)

    def _csv(self, stream: pa.NativeFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        content = faults.Bytes(self.location)
        yield from arrow_files.csv(pa.PythonFile(_Watched(stream, content), mode="r"), list(self.types), columns)
        content.end()

    def _parquet(self, stream: pa.NativeFile, columns: Sequence[str], rows: int, skip: int) -> Iterator[pa.RecordBatch]:
        file = arrow_files.parquet(stream)
        start = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if start + count <= skip:  # nothing of it is wanted: rows without columns, which are not read
                yield pa.RecordBatch.from_struct_array(pa.nulls(count, pa.struct([])))
            else:
                yield from file.iter_batches(rows, row_groups=[group], columns=list(columns))
            start += count

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """Errors in the bytes of the table as DataContractError (40); those of the storage pass."""
        try:
            yield
        except FileNotFoundError as error:
            raise DataContractError(f"{self.location} is not there; put the table there, or correct --input") from error
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
            raise faults.unreadable(self.location, error) from error


class _Watched(io.RawIOBase):
    """A stream whose bytes `content` looks at while they are read."""

    def __init__(self, stream: pa.NativeFile, content: faults.Bytes) -> None:
        self._stream = stream
        self._content = content

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(None if size < 0 else size)
        self._content.add(data)
        return data


def _plain(kind: pa.DataType) -> pa.DataType:
    """`kind`, or what a dictionary of it holds: pieces of one table may have dictionaries of their own."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _exactly(rows: int, pieces: Iterable[Any], skip: int) -> Iterator[pa.Table]:
    batches: list[pa.RecordBatch] = []
    count = 0
    for piece in pieces:
        offset = min(skip, piece.num_rows)
        skip -= offset
        rest = piece.slice(offset)
        while count + rest.num_rows >= rows:
            batches.append(rest.slice(0, rows - count))
            rest = rest.slice(rows - count)
            yield pa.Table.from_batches(batches)
            batches, count = [], 0
        if rest.num_rows:
            batches.append(rest)
            count += rest.num_rows
    if batches:
        yield pa.Table.from_batches(batches)
