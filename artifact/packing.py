"""JSON numbers as arrays, packed in C; None where a value may not be what it looks like there.

`struct` packs five times as fast as the types of as many values are looked at, and refuses text, lists and null. What
it takes with a loss shows in the result: a boolean becomes 0 or 1, and only a number of 2^53 or more may be a whole
number that is not exact. Types are looked at only where the result holds such a number.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

EXACT = 2**53  # every whole number up to here is a float64
_PIECE = 1 << 15  # values packed at once: other threads run between two pieces
_FLOATS, _WHOLES = frozenset({float, int}), frozenset({int})


def column(values: Sequence[Any], whole: bool) -> np.ndarray | None:
    """`values` as float64 or, where `whole`, as int64; shape [values]."""
    packed = np.empty(len(values), dtype=np.int64 if whole else np.float64)
    for start in range(0, len(values), _PIECE):
        if not _pack(packed[start : start + _PIECE], values[start : start + _PIECE]):
            return None
    return packed if _is_sure(packed, whole) or _has_types(values, packed, whole) else None


def table(rows: Sequence[Any], width: int, whole: bool) -> np.ndarray | None:
    """Lists of `width` values each as float64 or int64, shape [rows, width]; None where one is no such list."""
    packed = np.empty((len(rows), width), dtype=np.int64 if whole else np.float64)
    step = max(1, _PIECE // width)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        if set(map(type, part)) != {list} or set(map(len, part)) != {width}:
            return None
        if not _pack(packed[start : start + step].reshape(-1), chain.from_iterable(part)):
            return None
    if _is_sure(packed, whole):
        return packed
    parts = (rows[start : start + step] for start in range(0, len(rows), step))
    pieces = zip(parts, (packed[start : start + step] for start in range(0, len(rows), step)), strict=True)
    if all(_has_types(list(chain.from_iterable(part)), piece, whole) for part, piece in pieces):
        return packed
    return None


def _pack(into: np.ndarray, values: Iterable[Any]) -> bool:
    try:
        struct.pack_into(f"{len(into)}{'q' if into.dtype == np.int64 else 'd'}", into.data, 0, *values)
    except (struct.error, OverflowError):
        return False
    return True


def _is_sure(packed: np.ndarray, whole: bool) -> bool:
    doubtful = (packed == 0) | (packed == 1)
    if not whole:
        doubtful |= np.abs(packed) >= EXACT
    return not doubtful.any()


def _has_types(values: Sequence[Any], packed: np.ndarray, whole: bool) -> bool:
    """Whether `values` hold whole numbers only, or floats and whole numbers that are exact as one."""
    types = set(map(type, values))
    if whole:
        return types <= _WHOLES
    return types <= _FLOATS and (int not in types or not (np.abs(packed) >= EXACT).any())
