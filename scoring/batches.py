"""A table of any size, in pieces of a fixed number of rows; cells of a CSV stay text."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from artifact.errors import DataContractError
from pipeline.data import faults, kinds
from pipeline.data.table_file import TableFile
from pipeline.params.messages import near
from scoring.location import Location

_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)
SUFFIXES = (".csv", ".parquet")  # of what is written


def suffix(location: Location) -> str:
    """`.csv` or `.parquet`; DataContractError (40) for another name."""
    ending = next((candidate for candidate in SUFFIXES if str(location).lower().endswith(candidate)), None)
    if ending is None:
        raise DataContractError(f"{location} is neither .csv nor .parquet; name it as one of them")
    return ending


class Batches:
    """The table at `location`. `text`: its cells are text, as in a CSV; `types`: column → type, in their order."""

    def __init__(self, location: Location) -> None:
        self.location = location
        kind = kinds.of(str(location))
        if kind is None:
            raise DataContractError(
                f"{location} is none of {', '.join(kinds.ENDINGS)}; convert it, or name it as what it is"
            )
        self.text = kind.text
        with self._refused():
            self._file = TableFile(location, kind, location.open)
            self.types: dict[str, pa.DataType] = self._file.types
            self.rows = self._file.rows

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
        with self._refused():
            pieces = self._file.batches(columns, rows, skip, watched=True)
            plain = pa.schema([(name, self.types[name]) for name in columns])
            for table in _exactly(rows, pieces, skip):
                yield table.cast(plain)

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """Errors in the bytes of the table as DataContractError (40); those of the storage pass."""
        try:
            yield
        except FileNotFoundError as error:
            raise DataContractError(f"{self.location} is not there; put the table there, or correct --input") from error
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError, *_GZIP) as error:
            raise faults.unreadable(self.location, error) from error


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
