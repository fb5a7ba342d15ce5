"""One file of a table, of any kind: its columns, and its rows in batches. The same for training and for scoring."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from pipeline.data import arrow_files, faults, first_bytes
from pipeline.data.kinds import FEATHER, JSON, PARQUET, Kind

ROWS = 1 << 16  # rows of a batch of Parquet


class TableFile:
    """`opening` opens the bytes of the file of that `kind`, for reading and seeking; `name` is its name in messages.

    `types`: column → type, in their order, text for each column of a CSV; `rows`: how many, None where only reading all
    of them would tell. Raises what pyarrow and the storage raise.
    """

    def __init__(self, name: object, kind: Kind, opening: Callable[[], Any]) -> None:
        self.name, self.kind = name, kind
        self._opening = opening
        self.rows: int | None = None
        self._header = faults.Header([], ",")
        with opening() as raw:
            self.types = self._types(kind.opened(raw))

    def check_bytes(self) -> None:
        """DataContractError (40) for what the reader of a CSV lets through."""
        if self.kind.text:
            content = faults.Bytes(self.name)
            with self._opening() as raw:
                file = self.kind.opened(raw)
                while piece := file.read(1 << 20):
                    content.add(piece)
            content.end()

    def batches(
        self, columns: Sequence[str] | None = None, rows: int = ROWS, skip: int = 0, watched: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """The rows in their order, of all `columns` or of some. Parquet comes in batches of `rows`, and those before
        row number `skip` may come without columns. `watched`: `check_bytes` while a CSV is read, not before."""
        names = list(self.types) if columns is None else list(columns)
        with self._opening() as raw:
            stream = self.kind.opened(raw)
            match self.kind.form:
                case "parquet":
                    yield from _parquet(stream, names, rows, skip)
                case "feather":
                    places = sorted({list(self.types).index(name) for name in names})
                    file = arrow_files.feather(stream, places)
                    for number in range(file.num_record_batches):
                        yield file.get_batch(number).select(names)
                case "json":
                    for batch in arrow_files.json(stream, pa.schema(list(self.types.items()))):
                        yield batch.select(names)
                case _:
                    yield from self._csv(stream, names, watched)

    def _types(self, stream: Any) -> dict[str, pa.DataType]:
        if self.kind.text or self.kind.form == JSON:
            first_bytes.check(self.name, self.kind, stream)
        if self.kind.text:
            self._header = faults.header(self.name, stream, "\t" if self.kind.form == "tsv" else None)
            return dict.fromkeys(self._header.names, pa.string())
        if self.kind.form == JSON:
            schema = arrow_files.json_schema(stream)
        elif self.kind.form == FEATHER:
            schema = arrow_files.feather(stream).schema
        else:
            assert self.kind.form == PARQUET, self.kind
            file = arrow_files.parquet(stream)
            schema, self.rows = file.schema_arrow, file.metadata.num_rows
        names = faults.once(self.name, list(schema.names))
        return dict(zip(names, map(_plain, schema.types), strict=True))

    def _csv(self, stream: Any, columns: Sequence[str], watched: bool) -> Iterator[pa.RecordBatch]:
        content = faults.Bytes(self.name) if watched else None
        source = pa.PythonFile(_Watched(stream, content), mode="r")
        try:
            reader = arrow_files.csv(source, self._header, columns, threads=watched)
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):  # a header and nothing else
                return
            raise
        yield from reader
        if content is not None:
            content.end()


class _Watched(io.RawIOBase):
    """A stream whose bytes `content`, if any, looks at while they are read."""

    def __init__(self, stream: Any, content: faults.Bytes | None) -> None:
        self._stream = stream
        self._content = content

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(None if size < 0 else size)
        if self._content is not None:
            self._content.add(data)
        return data


def _parquet(stream: Any, columns: list[str], rows: int, skip: int) -> Iterator[pa.RecordBatch]:
    file = arrow_files.parquet(stream)
    groups, start = range(file.num_row_groups), 0
    for group in groups:
        count = file.metadata.row_group(group).num_rows
        if start + count > skip:
            # In one go: a batch of rows of two groups is one piece of memory then.
            yield from file.iter_batches(rows, row_groups=groups[group:], columns=columns, use_threads=False)
            return
        # The caller skips all of these rows: rows without columns stand for them, and nothing is read.
        yield pa.RecordBatch.from_struct_array(pa.nulls(count, pa.struct([])))
        start += count


def _plain(kind: pa.DataType) -> pa.DataType:
    """`kind`, or what a dictionary of it holds: pieces of one table may have dictionaries of their own."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
