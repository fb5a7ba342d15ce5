"""Validates v2 inputs in the form that nearly every client sends, without a look at each value in Python.

The columns are those that `predictor.protocols.tensors` and the validator make. For any other form, and for values that
are wrong, this returns None: those two read the request again, and say what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from artifact.errors import InvalidRequest
from artifact.prediction import Columns
from artifact.validation import packing
from artifact.validation.packing import EXACT
from artifact.validation.utf8_texts import Utf8Texts
from artifact.validation.validator import Validator
from predictor.protocols import raw_texts, tensors
from predictor.protocols.tensors import DTYPES, WIDE

_KEYS = frozenset({"name", "shape", "datatype", "parameters", "data"})
# dtype of a feature → the datatype of a tensor for which exactly the same JSON values are valid.
_SAME = {
    "float64": "FP64",
    "int64": "INT64",
    "bool": "BOOL",
    **dict.fromkeys(("string", "datetime", "date"), "BYTES"),
}
_EXACT_FLOAT32 = 2**24
_SHORT = 64 << 10  # bytes of tensors: the elements of longer ones are too many to be looked at one by one


def columns(validator: Validator, inputs: list[Any], binary: memoryview) -> Columns | None:
    """The columns of a request's `inputs`; `binary` is what follows its JSON."""
    raw: dict[str, Any] = {}
    dtypes, at = validator.dtypes, 0
    values: Sequence[Any] | np.ndarray | None
    name: Any
    datatype: Any
    shape: Any
    for tensor in inputs:
        if type(tensor) is not dict or not tensor.keys() <= _KEYS:
            return None
        name, datatype, shape = tensor.get("name"), tensor.get("datatype"), tensor.get("shape")
        if type(name) is not str or type(datatype) is not str or not _is_shape(shape):
            return None
        dtype = dtypes.get(name)
        parameters = tensor.get("parameters")
        if parameters is None:
            parameters = {}
        if type(parameters) is not dict or "missing" in parameters:
            return None
        if dtype is None:
            alone = len(inputs) == 1 and name == WIDE and len(shape) == 2 and shape[1] == len(dtypes)
            return _wide(validator, tensor, parameters, binary) if alone else None
        if name in raw or (len(shape) == 2 and shape[1] != 1):
            return None
        if "binary_data_size" in parameters:
            size = parameters["binary_data_size"]
            values = None if "data" in tensor or type(size) is not int else _raw(datatype, shape, binary, at, size)
            at += 0 if values is None else size
        else:
            values = _listed(tensor.get("data"), datatype, shape[0], datatype == _SAME[dtype])
        if values is None:
            return None
        raw[name] = values
    return validator.accept(raw) if at == len(binary) else None


def _wide(
    validator: Validator, tensor: dict[str, Any], parameters: dict[str, Any], binary: memoryview
) -> Columns | None:
    """One tensor of all features, which share a dtype."""
    (rows, width), datatype, data = tensor["shape"], tensor["datatype"], tensor.get("data")
    dtype = validator.signature.common_dtype
    if dtype not in ("float64", "int64"):
        return None
    table: Any
    if "binary_data_size" in parameters:
        size = parameters["binary_data_size"]
        if "data" in tensor or type(size) is not int or size != len(binary):
            return None
        table = _raw(datatype, tensor["shape"], binary, 0, size)
    elif len(binary):
        return None
    elif isinstance(data, np.ndarray):
        if data.shape not in ((rows, width), (rows * width,)):
            return None
        table = data if datatype == _SAME[dtype] else _cast(datatype, data)
    elif type(data) is not list or not data:
        return None
    elif datatype == _SAME[dtype] and (rows == 1 or type(data[0]) is list):
        nested = data if type(data[0]) is list else [data]
        return validator.accept_rows(nested) if len(nested) == rows else None
    else:
        if type(data[0]) is list and len(data) == rows and packing.have_length(data, width):
            data = list(chain.from_iterable(data))
        table = _typed(datatype, data) if len(data) == rows * width else None
    return validator.accept_table(table.reshape(rows, width)) if isinstance(table, np.ndarray) else None


def _is_shape(shape: Any) -> bool:
    """Whether `shape` is [rows] or [rows, columns], neither of them 0."""
    if type(shape) is not list or not 1 <= len(shape) <= 2:
        return False
    first, last = shape[0], shape[-1]
    return type(first) is int and first > 0 and type(last) is int and last > 0


def _listed(data: Any, datatype: str, rows: int, same: bool) -> Sequence[Any] | np.ndarray | None:
    if isinstance(data, np.ndarray):
        if data.shape != (rows,) or datatype in ("BOOL", "BYTES"):
            return None
        return data if same else _cast(datatype, data)
    if type(data) is Utf8Texts:
        if same and datatype == "BYTES":
            return data if len(data) == rows else None
        data = data.tolist()
    if type(data) is not list or len(data) != rows:
        return None
    return data if same else _typed(datatype, data)


def _cast(datatype: str, numbers: np.ndarray) -> np.ndarray | None:
    """As `_typed`, of an array of int64 or float64."""
    if datatype == "FP64":
        exact = numbers.dtype == np.float64 or bool(numbers.min() >= -EXACT and numbers.max() <= EXACT)
        return numbers.astype(np.float64) if exact else None
    if datatype == "FP32":
        exact = bool(numbers.min() >= -_EXACT_FLOAT32 and numbers.max() <= _EXACT_FLOAT32)
        return numbers.astype(np.float32) if exact else None
    if numbers.dtype != np.int64:
        return None
    return _narrowed(datatype, numbers)


def _typed(datatype: str, data: list[Any]) -> np.ndarray | None:
    """A flat list of numbers as an array of `datatype`."""
    if datatype == "FP64":
        return packing.column(data, whole=False)
    if datatype == "FP32":
        wide = packing.column(data, whole=False)
        # Beyond that a whole number may not be exact as float32, and a float may be more than one holds.
        return None if wide is None or (np.abs(wide) > _EXACT_FLOAT32).any() else wide.astype(np.float32)
    whole = packing.column(data, whole=True)
    return None if whole is None else _narrowed(datatype, whole)


def _narrowed(datatype: str, whole: np.ndarray) -> np.ndarray | None:
    """`whole`, of int64, as an array of a datatype of whole numbers; None where that holds less, or is none."""
    dtype = DTYPES.get(datatype)
    if dtype is None or not issubclass(dtype, np.integer):
        return None
    limits = np.iinfo(dtype)
    return whole.astype(dtype) if whole.min() >= limits.min and whole.max() <= limits.max else None


def _raw(datatype: str, shape: list[int], binary: memoryview, at: int, size: int) -> Sequence[Any] | np.ndarray | None:
    """The values in `size` bytes from `at` on; the validator copies numbers."""
    if datatype not in DTYPES or not 0 <= size <= len(binary) - at:
        return None
    if datatype == "BYTES" and len(binary) > _SHORT:
        return raw_texts.read(bytes(binary[at : at + size]), math.prod(shape))
    try:
        return tensors.from_raw("", datatype, tuple(shape), binary[at : at + size]).values
    except InvalidRequest:
        return None
