"""One column of values against one feature of the signature: converted without loss, or refused by row.

The only conversions are those that lose nothing: a whole number for a float64 feature, 5.0 for an int64 feature, a
narrower number for a wider one. Text is never a number, a number never a boolean. Missing values (null, NaN) pass only
where the feature is nullable; infinities never, nor what is more than float32 holds: trees, and engines, compute in it.
A datetime or date is text for a caller, and seconds since 1970 UTC for a model: float64 arrays hold such seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from artifact import checkpoint, moment
from artifact.errors import InvalidRequest
from artifact.excerpt import excerpt
from artifact.feature import TIMES, Feature, is_unicode
from artifact.validation import packing

EXACT = 2**53  # every whole number up to here is a float64
LARGEST = float(np.finfo(np.float32).max)  # what float32 holds, in which trees and engines compute
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_INEXACT = "is not within 2^53, up to where whole numbers that may be missing are exact"
_EXCERPT = 40
_JSON_NAMES = {
    str: "text",
    bool: "a boolean",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def convert(feature: Feature, values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """`values`, of length rows, as the array the model was trained on (`artifact.prediction.Columns`).

    InvalidRequest names the feature, the first wrong row (from 0) and the value.
    """
    checkpoint.check()
    if isinstance(values, np.ndarray) and values.dtype.kind not in "OUS":
        column = _from_array(feature, values)
    else:
        column = _from_values(feature, _items(values) if isinstance(values, np.ndarray) else values)
    _check_missing(feature, column)
    _check_range(feature, column)
    _check_categories(feature, column)
    return column


def needs_column(feature: Feature) -> bool:
    """Whether `convert` has to look at each value: times, whole numbers with gaps, categories of numbers are rare."""
    gaps = feature.dtype == "int64" and feature.nullable
    return gaps or feature.dtype in TIMES or (feature.categories is not None and feature.dtype != "string")


def number_bounds(feature: Feature) -> tuple[float, float]:
    """The smallest and largest number that passes for `feature`."""
    low, high = feature.range or (None, None)
    if feature.dtype in TIMES:
        return moment.EARLIEST, math.nextafter(moment.LATEST, 0.0)
    if feature.dtype == "int64" and feature.nullable:
        return (-EXACT if low is None else max(low, -EXACT), EXACT if high is None else min(high, EXACT))
    return (-LARGEST if low is None else low, LARGEST if high is None else high)


def _from_values(feature: Feature, values: Sequence[Any]) -> np.ndarray:
    """From JSON values: one pass over the types in C, then a pass over the values only where a type calls for it."""
    types = packing.types(values)
    missing = type(None) in types
    types.discard(type(None))
    match feature.dtype:
        case "float64":
            _only(feature, values, types, (int, float))
            if int in types:
                _exact(feature, values)
            column = np.array(values, dtype=np.float64)
            _check_infinite(feature, column)
            return column
        case "int64":
            if feature.nullable:
                return _whole_with_gaps(feature, values, types)
            _only(feature, values, types, (int, float))
            _refuse_null(feature, values, missing)
            for row, value in enumerate(values if float in types else ()):
                if type(value) is float and not value.is_integer():
                    raise _wrong(feature, row, value, "is not a whole number")
            try:
                return np.array([int(value) for value in values] if float in types else values, dtype=np.int64)
            except OverflowError:
                row = next(row for row, value in enumerate(values) if not _INT64_MIN <= value <= _INT64_MAX)
                raise _wrong(feature, row, values[row], "does not fit int64") from None
        case "bool":
            values, types = _nan_as_none(values, types)
            _only(feature, values, types, (bool,))
            return np.array(values, dtype=np.float64)
        case "datetime" | "date":
            values, types = _nan_as_none(values, types)
            _only(feature, values, types, (str,))
            return _moments(feature, values)
        case _:
            values, types = _nan_as_none(values, types)
            _only(feature, values, types, (str,))
            for row, value in enumerate(values):
                if value is not None and not is_unicode(value):
                    raise _wrong(feature, row, value.encode("utf-8", "replace").decode(), "is not valid Unicode")
            column = np.empty(len(values), dtype=object)
            column[:] = [np.nan if value is None else value for value in values]
            return column


def _whole_with_gaps(feature: Feature, values: Sequence[Any], types: set[type]) -> np.ndarray:
    """Whole numbers of which some are missing, as float64 with NaN: exact up to 2^53, and refused beyond."""
    _only(feature, values, types, (int, float))
    for row, value in enumerate(values):
        if value is None or value != value:
            continue
        if type(value) is float and not value.is_integer():
            raise _wrong(feature, row, value, "is not a whole number")
        if not -EXACT <= value <= EXACT:
            raise _wrong(feature, row, value, _INEXACT)
    return np.array(values, dtype=np.float64)


def _moments(feature: Feature, values: Sequence[Any]) -> np.ndarray:
    column = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if value is not None:
            try:
                column[row] = moment.seconds(value, feature.dtype, feature.zone)
            except ValueError as error:
                raise _wrong(feature, row, value, str(error)) from None
    return column


def _from_array(feature: Feature, array: np.ndarray) -> np.ndarray:
    """From a typed tensor: whole-array checks, no Python object a value."""
    kind = array.dtype.kind
    if array.ndim != 1:
        raise InvalidRequest(f"feature {feature.name!r}: shape {list(array.shape)} is not one value a row")
    if array.dtype.itemsize > 8:
        raise InvalidRequest(f"feature {feature.name!r}: a tensor of {array.dtype} does not fit {feature.dtype}")
    if feature.dtype == "float64" and kind in "fiu":
        if kind in "iu" and array.dtype.itemsize == 8:
            great = (array > EXACT) | (array < -EXACT if kind == "i" else False)
            for row in np.flatnonzero(great):
                _exact(feature, array[row : row + 1].tolist(), int(row))
        column = array.astype(np.float64, copy=False)
        _check_infinite(feature, column)
        return column
    if feature.dtype == "int64" and feature.nullable and kind in "fiu":
        _first(feature, array, (array == array) & (np.trunc(array) != array), "is not a whole number")
        _first(feature, array, (array > EXACT) | (array < -EXACT if kind != "u" else False), _INEXACT)
        return array.astype(np.float64)
    if feature.dtype in TIMES and array.dtype == np.float64:
        beyond = (array < moment.EARLIEST) | (array >= moment.LATEST)
        _first(feature, array, beyond, "is no number of seconds since 1970 within the years 1678 to 2261")
        return array
    if feature.dtype == "int64" and kind in "iu":
        if array.dtype == np.uint64:
            _first(feature, array, array > _INT64_MAX, "does not fit int64")
        return array.astype(np.int64, copy=False)
    if feature.dtype == "int64" and kind == "f":
        _first(feature, array, np.trunc(array) != array, "is not a whole number")
        wide = array.astype(np.float64, copy=False)
        _first(feature, array, (wide >= 2.0**63) | (wide < -(2.0**63)), "does not fit int64")
        return array.astype(np.int64)
    if feature.dtype == "bool" and kind == "b":
        return array.astype(np.float64)
    if feature.dtype == "bool" and feature.nullable and kind == "f":  # no tensor of booleans can say "missing"
        _first(feature, array, ~((array == 0) | (array == 1) | np.isnan(array)), "is neither 0, 1 nor NaN")
        return array.astype(np.float64)
    raise InvalidRequest(f"feature {feature.name!r}: a tensor of {array.dtype} does not fit {feature.dtype}")


def _items(array: np.ndarray) -> list[Any]:
    # A Parquet column of mixed objects holds numpy's own scalars: the Python value of the same bits stands for each.
    return [value.item() if isinstance(value, np.generic) else value for value in array.tolist()]


def _nan_as_none(values: Sequence[Any], types: set[type]) -> tuple[Sequence[Any], set[type]]:
    # pandas writes a missing text or boolean as the float NaN.
    if float not in types:
        return values, types
    values = [None if type(value) is float and math.isnan(value) else value for value in values]
    return values, set(map(type, values)) - {type(None)}


def _only(feature: Feature, values: Sequence[Any], types: set[type], allowed: tuple[type, ...]) -> None:
    if types.issubset(allowed):
        return
    for row, value in enumerate(values):
        if value is not None and type(value) not in allowed:
            raise _wrong(
                feature,
                row,
                value,
                f"is {_JSON_NAMES.get(type(value), type(value).__name__)}, expected {feature.dtype}",
            )


def _exact(feature: Feature, values: Sequence[Any], first: int = 0) -> None:
    for row, value in enumerate(values, first):
        if type(value) is int and not -EXACT <= value <= EXACT:
            try:
                same = int(float(value)) == value
            except OverflowError:
                same = False
            if not same:
                raise _wrong(feature, row, value, "is not exact as float64")


def _refuse_null(feature: Feature, values: Sequence[Any], missing: bool) -> None:
    if missing:
        row = next(row for row, value in enumerate(values) if value is None)
        raise InvalidRequest(f"feature {feature.name!r}, row {row}: missing, and the feature is not nullable")


def _check_missing(feature: Feature, column: np.ndarray) -> None:
    if not feature.nullable and column.dtype.kind in "fO":
        absent = column != column
        if absent.any():
            raise InvalidRequest(
                f"feature {feature.name!r}, row {int(np.argmax(absent))}: missing, and the feature is not nullable"
            )


def _check_infinite(feature: Feature, column: np.ndarray) -> None:
    beyond = np.abs(column) > LARGEST
    _first(feature, column, beyond & np.isinf(column), "is infinite")
    _first(feature, column, beyond, "is more than float32 holds")


def _check_range(feature: Feature, column: np.ndarray) -> None:
    if feature.range is None:
        return
    low, high = feature.range
    if low is not None:
        _first(feature, column, column < low, f"is below {low}")
    if high is not None:
        _first(feature, column, column > high, f"is above {high}")


def _check_categories(feature: Feature, column: np.ndarray) -> None:
    if feature.categories is None:
        return
    allowed = set(feature.categories)
    for row, value in enumerate(column.tolist()):
        if value == value and value not in allowed:
            declared = bool(value) if feature.dtype == "bool" else value
            raise _wrong(feature, row, declared, f"is not one of the {len(allowed)} declared categories")


def _first(feature: Feature, column: np.ndarray, wrong: np.ndarray, problem: str) -> None:
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise _wrong(feature, row, column[row].item(), problem)


def _wrong(feature: Feature, row: int, value: Any, problem: str) -> InvalidRequest:
    return InvalidRequest(f"feature {feature.name!r}, row {row}: {excerpt(value, _EXCERPT)} {problem}")
