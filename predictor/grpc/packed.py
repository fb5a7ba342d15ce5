"""Floating-point and boolean tensors in gRPC's typed contents, read and written without a Python object a value.

In protobuf's wire format a packed repeated field is a tag, a length, and the values as they lie in memory
(https://protobuf.dev/programming-guides/encoding/#packed): what numpy reads and writes as a whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

_LENGTH_DELIMITED = 2
_DTYPES = {"fp32_contents": "<f4", "fp64_contents": "<f8", "bool_contents": "|b1"}
_NUMBERS = {field.name: field.number for field in pb.InferTensorContents.DESCRIPTOR.fields}
_TAGS = {name: bytes([_NUMBERS[name] << 3 | _LENGTH_DELIMITED]) for name in _DTYPES}


def read(contents: Any, field: str) -> np.ndarray | None:
    """The values of the one field that `contents` has, shape [values]; None where the wire has another form of them."""
    dtype = _DTYPES.get(field)
    if dtype is None:
        return None
    data = contents.SerializeToString()
    if not data:
        return np.empty(0, dtype)
    size, at = 0, 1
    for position, byte in enumerate(data[1:11]):
        size |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            at += position + 1
            break
    if data[:1] != _TAGS[field] or at + size != len(data):
        return None  # unknown fields beside it
    return np.frombuffer(data, dtype, offset=at)


def write(contents: Any, field: str, values: np.ndarray) -> bool:
    """Put `values` into an empty `contents`; False, and nothing done, for a field that has no such form."""
    dtype = _DTYPES.get(field)
    if dtype is None:
        return False
    data = values.astype(dtype, copy=False).tobytes()
    length, rest = bytearray(), len(data)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    length.append(rest)
    contents.MergeFromString(_TAGS[field] + length + data)
    return True
