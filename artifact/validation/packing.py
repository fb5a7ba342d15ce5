"""JSON numbers as arrays, packed in C; None where a value may not be what it looks like there.

`struct` packs several times as fast as the types of as many values are looked at, and refuses text, lists and null.
What it takes with a loss shows in the result: a boolean becomes 0 or 1, and only a number of 2^53 or more may be a
whole number that is not exact. Types are looked at only there.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from artifact import checkpoint

EXACT = 2**53  # every whole number up to here is a float64
_PIECE = 1 << 15  # values packed at once: other threads run between two pieces
_MANY = 8  # one doubtful value in so many: the types of all are found sooner than those of each


def column(values: Sequence[Any], whole: bool) -> np.ndarray | None:
    """`values` as float64 or, where `whole`, as int64; shape [values]."""
    packed = np.empty(len(values), dtype=np.int64 if whole else np.float64)
    if len(values) <= _PIECE:
        return packed if _pack(packed, values) else None
    starts = range(0, len(values), _PIECE)
    for at in starts:
        checkpoint.check()
        if not _pack(packed[at : at + _PIECE], values[at : at + _PIECE]):
            return None
    return packed


def booleans(values: Sequence[Any]) -> np.ndarray | None:
    """`values` as booleans of numpy, shape [values]; None where one of them is something else."""
    parts = [_booleans(piece) for piece in _pieces(values)]
    complete = [part for part in parts if part is not None]
    return np.concatenate(complete) if len(complete) == len(parts) else None


def table(rows: Sequence[Any], width: int, whole: bool) -> np.ndarray | None:
    """Lists of `width` values each as float64 or int64, shape [rows, width]; None where one is no such list."""
    packed = np.empty((len(rows), width), dtype=np.int64 if whole else np.float64)
    step = max(1, _PIECE // width)
    for start in range(0, len(rows), step):
        checkpoint.check()
        part = rows[start : start + step]
        # An object or a text of that length holds text, which is never packed.
        if not have_length(part, width):
            return None
        if not _pack(packed[start : start + step].reshape(-1), list(chain.from_iterable(part))):
            return None
    return packed


def have_length(rows: Sequence[Any], width: int) -> bool:
    """Whether each of `rows` has `width` values, as far as a length says."""
    try:
        return all(set(map(len, piece)) == {width} for piece in _pieces(rows))
    except TypeError:
        return False


def types(values: Sequence[Any]) -> set[type]:
    """The types of `values`."""
    kinds: set[type] = set()
    for piece in _pieces(values):
        kinds.update(map(type, piece))
    return kinds


def _pieces(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    if len(values) <= _PIECE:
        yield values
        return
    for start in range(0, len(values), _PIECE):
        checkpoint.check()
        yield values[start : start + _PIECE]


def _booleans(values: Sequence[Any]) -> np.ndarray | None:
    # marshal writes T for true and F for false behind a head of 5 bytes, and for any other value another byte or more
    # of them: their types are looked at in a fifth of the time that Python takes.
    try:
        marks = marshal.dumps(values, 2)  # type: ignore[arg-type]  # a list, or a tuple
    except ValueError:  # nested too deep
        return None
    if len(marks) != 5 + len(values):
        return None
    letters = np.frombuffer(marks, np.uint8, offset=5)
    true: np.ndarray = letters == ord("T")
    return true if bool((true | (letters == ord("F"))).all()) else None


def _pack(into: np.ndarray, values: Sequence[Any]) -> bool:
    whole = into.dtype == np.int64
    try:
        struct.pack_into(f"{len(into)}{'q' if whole else 'd'}", into.data, 0, *values)
    except (struct.error, OverflowError):
        return False
    if not _types(values, (into == 0) | (into == 1)) <= ({int} if whole else {int, float}):
        return False
    return whole or _types(values, np.abs(into) >= EXACT) <= {float}


def _types(values: Sequence[Any], doubtful: np.ndarray) -> set[type]:
    """The types of the `doubtful` among `values`; perhaps those of all, where many are."""
    count = np.count_nonzero(doubtful)
    if count == 0:
        return set()
    if count * _MANY > len(values):
        return set(map(type, values))
    return {type(values[place]) for place in np.flatnonzero(doubtful).tolist()}
