"""v2 tensors, from JSON, raw bytes or gRPC's typed fields, and how they become the columns of a signature.

A tensor's values are flat and row-major: a list of JSON values, or a numpy array. A missing value is NaN in a
floating-point tensor and null in JSON; where neither can be written (text in a binary tensor) the tensor's parameter
`missing` names the text that stands for it.
"""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from artifact.errors import InvalidRequest
from artifact.excerpt import excerpt
from artifact.validation.validator import Validator
from predictor.protocols import raw_texts

WIDE = "input-0"
DTYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}
_LENGTH = struct.Struct("<I")  # before each element of a binary BYTES tensor


class Header(NamedTuple):
    """What a tensor begins with: its name, its datatype, and its shape, [rows] or [rows, columns]."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """One named input: its shape, and its values flat in row-major order."""

    name: str
    shape: tuple[int, ...]
    values: Sequence[Any] | np.ndarray


def header(name: Any, datatype: Any, shape: Any) -> Header:
    """Check what every form of tensor begins with; InvalidRequest names the tensor and what is wrong with it."""
    if not isinstance(name, str):
        raise InvalidRequest("an input has no name")
    if not isinstance(datatype, str) or datatype not in DTYPES:
        raise InvalidRequest(f"input {_short(name)}: datatype {_short(datatype)} is not one of {', '.join(DTYPES)}")
    if not isinstance(shape, list | tuple) or not shape or any(type(size) is not int or size < 0 for size in shape):
        raise InvalidRequest(f"input {_short(name)}: shape {_short(shape)} is not a list of sizes, such as [2, 4]")
    if len(shape) > 2:
        raise InvalidRequest(f"input {_short(name)}: shape {_short(shape)} is neither [rows] nor [rows, columns]")
    return Header(name, datatype, tuple(shape))


def check(validator: Validator, headers: Sequence[Header]) -> None:
    """InvalidRequest unless the tensors are those of the signature: one a feature, or the wide tensor `input-0` alone.

    Called before a value is read: a tensor that no feature has, or of a shape that no feature has, costs its header.
    """
    signature = validator.signature
    if _is_wide(validator, headers):
        (shape,), width = [header.shape for header in headers], len(signature.names)
        if signature.common_dtype is None:
            raise InvalidRequest(f"the features have different types; send one tensor a feature instead of {WIDE!r}")
        if len(shape) != 2 or shape[1] != width:
            raise InvalidRequest(f"input {WIDE!r}: shape {list(shape)} is not [rows, {width}]")
        return
    before: dict[str, None] = {}
    for tensor in headers:
        if tensor.name in before:
            raise InvalidRequest(f"input {_short(tensor.name)} is given twice")
        before[tensor.name] = None
    validator.check_names(before.keys())
    for tensor in headers:
        if tensor.shape[1:] not in ((), (1,)):
            raise InvalidRequest(f"input {_short(tensor.name)}: shape {list(tensor.shape)} is not one value a row")


def from_json(name: str, datatype: str, shape: tuple[int, ...], data: Any, missing: str | None = None) -> Tensor:
    """A tensor whose values stand in JSON, flat or nested as its shape says."""
    if not isinstance(data, list):
        raise InvalidRequest(f"input {_short(name)}: 'data' is not a list")
    flat = _flat(name, data, shape)
    present = set(map(type, flat)) - {type(None)}
    if datatype == "BYTES":
        _only(name, datatype, flat, present, (str,))
        return Tensor(name, shape, _marked(flat, missing))
    if datatype == "BOOL":
        _only(name, datatype, flat, present, (bool,))
        return Tensor(name, shape, flat)
    _only(name, datatype, flat, present, (int, float))
    if datatype == "FP64":  # validation looks at these value by value
        return Tensor(name, shape, flat)
    dtype = DTYPES[datatype]
    with np.errstate(over="ignore"):  # an overflow becomes inf, which validation refuses by row
        for position, value in enumerate(flat):
            if not _fits(value, dtype):
                raise InvalidRequest(
                    f"input {_short(name)}, position {position}: {_short(value)} does not fit {datatype}"
                )
        if datatype.startswith("FP"):
            return Tensor(name, shape, np.array(flat, dtype=np.float64).astype(dtype))
    return Tensor(name, shape, [value if value is None else int(value) for value in flat] if float in present else flat)


def from_raw(
    name: str, datatype: str, shape: tuple[int, ...], raw: bytes | memoryview, missing: str | None = None
) -> Tensor:
    """A tensor from its little-endian bytes, of exactly the length its shape asks for. Numbers stay where they are."""
    count = math.prod(shape)
    if datatype == "BYTES":
        raw = bytes(raw)
        texts = raw_texts.read(raw, count) if missing is None and count >= raw_texts.FEW else None
        if texts is not None:
            return Tensor(name, shape, texts)
        return Tensor(name, shape, _marked(_texts(name, _elements(name, raw, count)), missing))
    dtype = np.dtype(DTYPES[datatype]).newbyteorder("<")
    size = count * dtype.itemsize
    if len(raw) != size:
        raise InvalidRequest(
            f"input {_short(name)}: {len(raw)} bytes, but {datatype} of shape {list(shape)} takes {size}"
        )
    if datatype == "BOOL" and bytes(raw).strip(b"\0\1"):
        raise InvalidRequest(f"input {_short(name)}: a byte of a BOOL tensor is neither 0 nor 1")
    return Tensor(name, shape, np.frombuffer(raw, dtype=dtype))


def from_typed(
    name: str,
    datatype: str,
    shape: tuple[int, ...],
    values: Sequence[Any] | np.ndarray,
    missing: str | None = None,
) -> Tensor:
    """A tensor from one of gRPC's typed fields."""
    if len(values) != math.prod(shape):
        raise InvalidRequest(
            f"input {_short(name)}: {len(values)} values, but {datatype} of {list(shape)} takes {math.prod(shape)}"
        )
    if datatype == "BYTES":
        return Tensor(name, shape, _marked(_texts(name, values), missing))
    try:
        if not isinstance(values, np.ndarray):  # without a list in between, which takes ten times as much
            return Tensor(name, shape, np.fromiter(values, DTYPES[datatype], len(values)))
        return Tensor(name, shape, values.astype(DTYPES[datatype]))
    except OverflowError as error:
        raise InvalidRequest(f"input {_short(name)}: a value does not fit {datatype}") from error


def columns(validator: Validator, inputs: Sequence[Tensor]) -> dict[str, Sequence[Any] | np.ndarray]:
    """The values of each feature, from tensors whose headers `check` has passed."""
    if not _is_wide(validator, inputs):
        return {tensor.name: tensor.values for tensor in inputs}
    names = validator.signature.names
    return {name: inputs[0].values[position :: len(names)] for position, name in enumerate(names)}


def _is_wide(validator: Validator, tensors: Sequence[Header | Tensor]) -> bool:
    """Whether the one tensor is that of all features; a feature of the same name has it to itself."""
    return len(tensors) == 1 and tensors[0].name == WIDE and WIDE not in validator.dtypes


def _flat(name: str, data: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """`data` as one flat list; nested lists must have exactly the sizes of `shape`."""
    if len(shape) == 2 and data and isinstance(data[0], list):
        if len(data) != shape[0]:
            raise InvalidRequest(f"input {_short(name)}: {len(data)} nested lists, but shape {list(shape)}")
        for part in data:
            if not isinstance(part, list) or len(part) != shape[1]:
                raise InvalidRequest(f"input {_short(name)}: the nesting of 'data' is not of shape {list(shape)}")
        return [value for part in data for value in part]
    if len(data) != math.prod(shape):
        raise InvalidRequest(
            f"input {_short(name)}: {len(data)} values, but shape {list(shape)} takes {math.prod(shape)}"
        )
    return data


def _fits(value: Any, dtype: type[Any]) -> bool:
    """Whether a JSON number, or null, can be a `dtype`: whole numbers exactly, others as near as a float comes."""
    if value is None:
        return True  # the validator says whether the feature may be missing
    if issubclass(dtype, np.integer):
        limits = np.iinfo(dtype)
        whole = type(value) is int or (type(value) is float and value.is_integer())
        return whole and limits.min <= value <= limits.max
    if type(value) is not int:
        return True
    try:
        return int(dtype(value)) == value
    except OverflowError:
        return False


def _only(name: str, datatype: str, flat: list[Any], present: set[type], allowed: tuple[type, ...]) -> None:
    if not present.issubset(allowed):
        position = next(at for at, value in enumerate(flat) if value is not None and type(value) not in allowed)
        raise InvalidRequest(
            f"input {_short(name)}, position {position}: {_short(flat[position])} does not fit {datatype}"
        )


def _elements(name: str, raw: bytes, count: int) -> list[bytes]:
    elements: list[bytes] = []
    at = 0
    with contextlib.suppress(struct.error):  # fewer bytes than a length takes
        for _ in range(count):
            (size,) = _LENGTH.unpack_from(raw, at)
            at += _LENGTH.size + size
            elements.append(raw[at - size : at])
    if at != len(raw) or len(elements) != count:
        raise InvalidRequest(f"input {_short(name)}: {len(raw)} bytes are not {count} elements, each behind its length")
    return elements


def _texts(name: str, values: Iterable[bytes]) -> list[str]:
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"input {_short(name)}: an element is not UTF-8 text") from error


def _marked(values: list[Any], missing: str | None) -> list[Any]:
    return values if missing is None else [None if value == missing else value for value in values]


def _short(value: Any) -> str:
    return excerpt(value, 80)
