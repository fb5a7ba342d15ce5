"""Arrow's arrays made of numpy's, and numpy's of Arrow's: pyarrow's own functions import pandas, which takes 0.2 s."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pyarrow as pa

_NUMPY = {pa.float64(): np.dtype(np.float64), pa.int64(): np.dtype(np.int64), pa.bool_(): np.dtype(np.bool_)}


def values(column: pa.Array) -> np.ndarray:
    """The numbers of a column, [rows], in Arrow's memory; a copy with NaN for missing floats, if there are any."""
    if column.null_count == 0:
        return np.from_dlpack(column)
    valid, data = column.buffers()
    numbers = np.from_dlpack(pa.Array.from_buffers(column.type, len(column), [None, data], offset=column.offset)).copy()
    present = np.unpackbits(np.frombuffer(valid, np.uint8), count=column.offset + len(column), bitorder="little")
    numbers[present[column.offset :] == 0] = np.nan
    return numbers


def array(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """`values`, [rows], none of which is missing, as a column of that `kind`."""
    if values.dtype != _NUMPY.get(kind):
        return pa.array(values, kind)
    bits = pa.types.is_boolean(kind)
    data = np.packbits(values, bitorder="little") if bits else np.ascontiguousarray(values)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(data)])


def texts(values: Sequence[str]) -> pa.Array:
    """A column of text."""
    encoded = [value.encode() for value in values]
    ends = np.fromiter(accumulate(map(len, encoded), initial=0), np.int32, len(encoded) + 1)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))
