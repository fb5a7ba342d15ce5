"""The table that init looks at: in memory is one column of all rows, or all columns of some rows, at a time."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from artifact.errors import DataContractError
from pipeline.data import kinds, reader
from pipeline.data.kinds import FEATHER, PARQUET, Kind
from pipeline.data.table import files
from pipeline.data.table_file import ROWS, TableFile

_MOST_CELLS = 1 << 22  # cells that are read, and kept, together: of a short table all, of a long one a column
_LOT = 1 << 22  # cells of a lot of rows


class StoredTable:
    """The rows of the table at `path`, in their order. Parquet and Feather are read where they are; of any other kind,
    of which no column can be read without the others, a copy in Arrow's format is made in the folder `scratch`.

    DataContractError (40) where it is no such table, when it is opened or when it is read.
    """

    def __init__(self, path: Path, scratch: Path) -> None:
        self._path = path
        parts = [kinds.of(part.name) for part in files(path)]
        self.text = any(kind is not None and kind.text for kind in parts)
        by_column = all(kind is not None and kind.form in (PARQUET, FEATHER) for kind in parts)
        self._files = list(reader.opened(path) if by_column else _copied(path, scratch))
        self.names = list(self._files[0][1].types)
        self.rows = sum(self._count(part, file) for part, file in self._files)
        if self.rows == 0:
            raise reader.empty(path)
        self._group = pa.table({})

    def column(self, name: str) -> pa.ChunkedArray:
        """All values of one column, as they stand in the file."""
        if name not in self._group.column_names:
            place, together = self.names.index(name), max(1, _MOST_CELLS // self.rows)
            first = place - place % together
            self._group = self._read(self.names[first : first + together])
        return self._group.column(name)

    def lots(self) -> Iterator[pa.Table]:
        """The rows in their order, some at a time."""
        rows = _lot(len(self.names))
        for part, file in self._files:
            remaining = file.batches(rows=rows)
            while (batch := reader.checked(part, functools.partial(next, remaining, None))) is not None:
                for first in range(0, batch.num_rows, rows):
                    yield pa.Table.from_batches([batch.slice(first, rows)])

    def _read(self, names: Sequence[str]) -> pa.Table:
        parts = []
        for part, file in self._files:
            batches = reader.checked(part, functools.partial(_batches, file, names))
            parts += [pa.Table.from_batches(batches)] if batches else []
        return together(self._path, parts)

    def _count(self, part: Path, file: TableFile) -> int:
        if file.rows is not None:
            return file.rows
        first = list(file.types)[:1]
        return int(reader.checked(part, lambda: sum(batch.num_rows for batch in file.batches(first))))


def together(path: Path, parts: Sequence[pa.Table]) -> pa.Table:
    """Parts of the table at `path` as one; DataContractError (40) where a column has two types."""
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataContractError(f"the files in {path} do not fit together: {error}; write them alike") from error


def _batches(file: TableFile, names: Sequence[str]) -> list[pa.RecordBatch]:
    return list(file.batches(names))


def _lot(columns: int) -> int:
    return max(1, min(ROWS, _LOT // max(1, columns)))


def _copied(path: Path, scratch: Path) -> Iterator[tuple[Path, TableFile]]:
    """The table at `path` as files of Arrow: a further one where a file has other types of columns."""
    pieces = _pieces(path)
    piece = next(pieces, None)
    number = 0
    while piece is not None:
        target = scratch / f"{path.name}-{number}.arrow"
        schema, number = piece.schema, number + 1
        options = pyarrow.ipc.IpcWriteOptions(compression="lz4")
        with pyarrow.ipc.new_file(target, schema, options=options) as writer:
            while piece is not None and piece.schema == schema:
                writer.write_table(piece)
                piece = next(pieces, None)
        yield target, TableFile(target, Kind(FEATHER, False), functools.partial(target.open, "rb"))


def _pieces(path: Path) -> Iterator[pa.Table]:
    """The rows of the table, many small batches as one where they have the same types."""
    waiting: list[pa.Table] = []
    for chunk in reader.chunks(path):
        table = chunk.columns
        if waiting and (
            table.schema != waiting[0].schema
            or sum(part.num_rows for part in waiting) + table.num_rows > _lot(table.num_columns)
        ):
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
        waiting.append(table)
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()
