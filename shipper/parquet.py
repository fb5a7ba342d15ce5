"""Rows of the inference log as a Parquet file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from arro3.core import Array, DataType, Table, list_array
from arro3.io import write_parquet

_MICROSECONDS = 1_000_000
_GROUPS = (("inputs", "in"), ("probabilities", "p"), ("more", "out"))


def encode(rows: Sequence[dict[str, Any]]) -> bytes:
    """Inputs as columns `in:NAME`, probabilities as `p:CLASS`, other outputs as `out:NAME`; times in UTC."""
    names = ("request_id", "row", "release", "prediction")
    flat = [
        {name: row[name] for name in names}
        | {"time": round(row["time"] * _MICROSECONDS)}
        | {f"{short}:{name}": value for key, short in _GROUPS for name, value in (row.get(key) or {}).items()}
        for row in rows
    ]
    columns = {name: None for row in flat for name in row}
    arrays = [_array([row.get(name) for row in flat]) for name in columns]
    arrays[list(columns).index("time")] = Array([row["time"] for row in flat], DataType.int64()).cast(
        DataType.timestamp("us", tz="UTC")
    )
    stream = io.BytesIO()
    write_parquet(Table.from_arrays(arrays, names=list(columns)), stream, compression="zstd(1)")
    return stream.getvalue()


def _array(values: list[Any]) -> Array:
    """The narrowest type that holds all of the values: JSON has nothing but these."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {list}:
        lists = [value or [] for value in values]
        ends = Array([0, *accumulate(map(len, lists))], DataType.int32())
        return list_array(ends, _array([item for value in lists for item in value]))
    if kinds <= {bool}:
        return Array(values, DataType.bool())
    if kinds <= {int}:
        return Array(values, DataType.int64())
    if kinds <= {int, float}:
        return Array([None if value is None else float(value) for value in values], DataType.float64())
    return Array([value if value is None else str(value) for value in values], DataType.utf8())
