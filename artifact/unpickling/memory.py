"""How much memory a pickle may take for its size: each operation that makes an object counts what the object needs.

An operation of one byte can make an empty set, which takes more than 200 bytes. The dump of a model takes about 20
bytes of memory for each of its own where it is nothing but short texts, and fewer where it holds arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from artifact.errors import ForbiddenTypeError

# Bytes of counted objects for each byte of the file. Numbers, and places in lists, are not counted: an operation that
# makes one is so long that they take at most 24 bytes for each byte. So all together stays within 64.
_FACTOR = 40
_SPARE = 16 << 20
_MEMBER = 80  # bytes for each key of a dict or member of a set: its table is up to three quarters empty
_OBJECT = 200  # bytes for what the reader remembers of an object, until all is read
# Bytes of CPython 3.11 for what an operation makes, with its place in the table of values that can be named again.
_COSTS: Mapping[str, int] = {
    "MARK": 80,
    "EMPTY_LIST": 200,
    "EMPTY_DICT": 300,
    "EMPTY_SET": 340,
    "FROZENSET": 300,
    "TUPLE": 130,
    "TUPLE1": 130,
    "TUPLE2": 140,
    "TUPLE3": 150,
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES"), 60),
    **dict.fromkeys(("BINBYTES", "BINBYTES8", "BYTEARRAY8"), 60),
    **dict.fromkeys(("MEMOIZE", "BINPUT", "LONG_BINPUT"), 100),
}


class Memory:
    """What is left of the memory that a pickle of `size` bytes may take."""

    def __init__(self, size: int) -> None:
        self._left = _FACTOR * size + _SPARE

    def take(self, size: int) -> None:
        """Count `size` bytes; ForbiddenTypeError (21) where that is too much in all."""
        self._left -= size
        if self._left < 0:
            raise ForbiddenTypeError(
                "model.joblib makes so many objects that reading it would take far more memory than its size; no dump "
                "of a model does: train the model again"
            )

    def take_members(self, count: int) -> None:
        """Count `count` keys of a dict, members of a set or attributes of an object; errors as in `take`."""
        self.take(_MEMBER * count)

    def take_object(self, thing: Any) -> None:
        """Count an object that a class or a builder made; errors as in `take`."""
        self.take(_OBJECT + sys.getsizeof(thing, 0))


def charging(name: str, function: Callable[[Any], None]) -> Callable[[Any], None]:
    """The `function` of the operation `name`, which counts in the unpickler's `memory` where it makes an object."""
    cost = _COSTS.get(name)
    if cost is None:
        return function

    def run(unpickler: Any) -> None:
        unpickler.memory.take(cost)
        function(unpickler)

    return run
