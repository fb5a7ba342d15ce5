"""Tables as pyarrow opens them here: no cell is guessed at, and memory stays that of a batch of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.json
import pyarrow.parquet

from pipeline.data import faults
from pipeline.data.faults import Header

_BUFFER = 1 << 20  # bytes read at a time from one column of Parquet


def csv(source: Any, header: Header, columns: Sequence[str] | None = None, *, threads: bool = True) -> Any:
    """An iterator of RecordBatches of the CSV `source` (a file of bytes), whose header is known.

    Every cell is text and an empty one without quotes is null. `columns`: only these. Raises what pyarrow raises.
    """
    return pyarrow.csv.open_csv(
        source,
        pyarrow.csv.ReadOptions(use_threads=threads, block_size=faults.BLOCK),
        pyarrow.csv.ParseOptions(newlines_in_values=True, delimiter=header.separator),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(header.names, pa.string()),
            include_columns=None if columns is None else list(columns),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def parquet(source: Any) -> Any:
    """The ParquetFile `source`, without read-ahead, however large a row group is. Raises what pyarrow raises."""
    return pyarrow.parquet.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False)


def feather(source: Any, columns: Sequence[int] = ()) -> Any:
    """The Feather file (version 2) `source`, which is one of Arrow; of some `columns`, only what is at these places is
    read. Raises what pyarrow raises."""
    return pyarrow.ipc.open_file(source, options=pyarrow.ipc.IpcReadOptions(included_fields=list(columns)))


def json_schema(source: Any) -> pa.Schema:
    """Names and types of the JSON objects in `source`, one a line: whole numbers beside others are numbers, and text is
    text, dates among it. Reads all of it. Raises what pyarrow raises."""
    schemas = [table.schema for table in _json_blocks(source, None)]
    return pa.unify_schemas(schemas, promote_options="permissive") if schemas else pa.schema([])


def json(source: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """RecordBatches of the JSON objects in `source`, one a line, with the columns of `schema`; null where an object has
    no such key. Raises what pyarrow raises."""
    for table in _json_blocks(source, schema):
        yield from table.to_batches()


def _json_blocks(source: Any, schema: pa.Schema | None) -> Iterator[pa.Table]:
    rest = b""
    while piece := source.read(faults.BLOCK):
        lines, newline, rest = (rest + piece).rpartition(b"\n")
        if lines.strip():
            yield _parsed(lines + newline, schema)
    if rest.strip():
        yield _parsed(rest, schema)


def _parsed(lines: bytes, schema: pa.Schema | None) -> pa.Table:
    def read(types: pa.Schema | None) -> pa.Table:
        return pyarrow.json.read_json(
            pa.BufferReader(lines),
            pyarrow.json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
            pyarrow.json.ParseOptions(explicit_schema=types),
        )

    if schema is not None:
        return read(schema).select(schema.names)
    table = read(None)
    # Without being asked, it takes text that looks like a date for one.
    times = [field.name for field in table.schema if pa.types.is_temporal(field.type)]
    return read(pa.schema([(name, pa.string()) for name in times])) if times else table
