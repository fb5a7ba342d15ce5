"""A JSON body whose long lists of numbers become arrays, with no Python object for a number in between.

orjson makes a float of Python of each number, which takes several times as long as reading it; simdjson copies a list
of numbers into one buffer. A body is read here as `predictor.protocols.json_body` reads it, with an array for a list.
For a body that may come out otherwise, or no faster, this returns None, and `json_body` reads it.

simdjson keeps both of two equal keys, refuses numbers that no float64 and no 64-bit integer holds, and checks UTF-8.
Its buffers do not show two things, which are checked here: how a list of lists is nested, and whole numbers beyond 2^53
among floats.
"""

from __future__ import annotations

import string
import threading
from codecs import BOM_UTF8
from typing import Any

import numpy as np
import simdjson

from artifact.validation.packing import EXACT
from predictor.protocols import json_pieces
from predictor.protocols.json_texts import JsonTexts

SHORT = 2 << 10  # bytes of a body that orjson reads as fast
_FEW = 32  # numbers of a list from which it becomes an array
_MOST = 512  # objects, and members of all of them: each costs a look from Python
_DEEPEST = 8  # objects and lists within each other
_OF_NUMBERS = (string.digits + "+-.eE" + string.whitespace).encode()


class _Unusual(Exception):
    """This body is not read as arrays."""


class _OfThread(threading.local):
    """The parser of each thread: its memory, up to some 20 times the longest body, is kept for the next one."""

    def __init__(self) -> None:
        self.parser = simdjson.Parser()


_of_thread = _OfThread()


def read(body: bytes) -> Any:
    """The object in `body`: lists of 32 numbers and more are arrays of int64 or float64, a list of equally long lists
    of numbers is one of two dimensions. None where the body has to be read otherwise.
    """
    if not SHORT < len(body) <= json_pieces.LONG or body.startswith(BOM_UTF8):
        return None
    data = np.frombuffer(body, np.uint8)
    colons = _count(data, ":")
    if colons > _MOST:
        return None
    try:
        document = _of_thread.parser.parse(body)
        if type(document) is not simdjson.Object:
            return None
        reading = _Reading(body, data)
        value = reading.object(document, _DEEPEST)
    except (_Unusual, ValueError, TypeError, RuntimeError):
        return None
    return value if reading.is_all(colons) else None


class _Reading:
    """What was read of one document: the members of its objects, its lists, and the one that is a table."""

    def __init__(self, body: bytes, data: np.ndarray) -> None:
        """`data`: the bytes of `body`."""
        self._body, self._data = body, data
        self._objects = 0
        self._members = 0
        self._lists = 0
        self._table: tuple[int, int] | None = None
        self._texts: JsonTexts | None = None

    def is_all(self, colons: int) -> bool:
        """Whether the body, which has so many colons, has no member and no list that was not read, and its table
        equally long rows.

        Members and lists within a list of texts are not looked at, and those within a table are not told apart: each
        has its colon or bracket. Without its numbers, a table is nothing but its brackets and commas. A text with a
        colon or a bracket makes the body look as if it had more.
        """
        if colons != self._members or _count(self._data, "[") != self._lists:
            return False
        if self._table is None:
            return True
        rows, width = self._table
        row = b"[" + b"," * (width - 1) + b"]"
        table = b"[" + (row + b",") * (rows - 1) + row + b"]"
        shapes = self._body.translate(None, _OF_NUMBERS)
        return shapes.startswith(table, shapes.find(b"[["))  # nothing else is a list that begins with a list

    def object(self, document: simdjson.Object, depth: int) -> dict[str, Any]:
        """An object; _Unusual where a key stands twice in it, or there are too many objects."""
        names = list(document.keys())
        self._objects += 1
        self._members += len(names)
        if self._objects > _MOST or len(set(names)) < len(names):
            raise _Unusual
        return {name: self._value(document[name], depth - 1) for name in names}

    def _value(self, value: Any, depth: int) -> Any:
        if depth < 0:
            raise _Unusual
        if type(value) is simdjson.Object:
            return self.object(value, depth)
        return self._list(value, depth) if type(value) is simdjson.Array else value

    def _list(self, values: simdjson.Array, depth: int) -> Any:
        self._lists += 1
        count = len(values)
        first: Any = values[0] if count else None
        if type(first) is simdjson.Object:
            return [self._value(value, depth - 1) for value in values]
        if type(first) is simdjson.Array:
            return self._rows(values, count, first)
        if count >= _FEW and type(first) in (int, float):
            numbers = _numbers(values, first)
            if numbers is not None:
                return numbers
        if count >= _FEW and type(first) is str:
            if self._texts is None:
                self._texts = JsonTexts(self._body, self._data)
            texts = self._texts.list(self._lists - 1, count)
            if texts is not None:
                return texts
        return values.as_list()

    def _rows(self, values: simdjson.Array, count: int, first: simdjson.Array) -> np.ndarray:
        width = len(first)
        if self._table is not None or not width:
            raise _Unusual
        self._lists += count
        self._table = count, width
        numbers = _numbers(values, first[0])
        if numbers is None or len(numbers) != count * width:
            raise _Unusual
        return numbers.reshape(count, width)


def _numbers(values: simdjson.Array, first: Any) -> np.ndarray | None:
    """All numbers in `values`, of which `first` is the first, in their order; None where one may not be exact, or
    something else is there.
    """
    if type(first) is int:
        try:
            return np.frombuffer(values.as_buffer(of_type="i"), np.int64)
        except (TypeError, ValueError):  # a float, or beyond 64 bits
            pass
    try:
        numbers: np.ndarray = np.frombuffer(values.as_buffer(of_type="d"), np.float64)
    except TypeError:
        return None
    return numbers if np.minimum.reduce(numbers) > -EXACT and np.maximum.reduce(numbers) < EXACT else None


def _count(data: np.ndarray, character: str) -> int:
    """How often it is in `data`, bytes; several times as fast as bytes.count."""
    return int(np.count_nonzero(data == ord(character)))
