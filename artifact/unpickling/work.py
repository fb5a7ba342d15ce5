"""What a pickle may have done for its size: what it makes, hashes and holds stays in proportion to its bytes.

A pickle can name a value that it made before by a few bytes, as often as it likes. A list of two such lists, and so on
fifty times, is short, and anything that walks through it never ends; a thousand objects made of the same thousand
values take a million steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np

from artifact.errors import ForbiddenTypeError

_FACTOR = 4  # values or bytes for each byte of the file
_SPARE = 1 << 20
_DEEPEST = 64  # containers within containers; numpy's arrays have at most as many dimensions
_LONGEST_KEY = 64  # values of a tuple that is a key
_CONTAINERS = (list, tuple, dict, set, frozenset)


class Work:
    """What is left of the work that a pickle of `size` bytes may cause."""

    def __init__(self, size: int) -> None:
        self._most = self._left = _FACTOR * size + _SPARE

    def count(self, value: Any) -> None:
        """A builder or a state reads all of `value`; ForbiddenTypeError (21) where that was too much in all."""
        waiting, depth = [value], 0
        while waiting and depth < 4:
            below: list[Any] = []
            for item in waiting:
                if isinstance(item, np.ndarray):
                    self._take(item.nbytes)
                elif isinstance(item, (str, bytes, bytearray, *_CONTAINERS)):
                    self._take(len(item))
                    if isinstance(item, list | tuple | dict):
                        below += item.values() if isinstance(item, dict) else item
            waiting, depth = below, depth + 1

    def count_members(self, members: int) -> None:
        """An object gets so many attributes; ForbiddenTypeError (21) as in `count`."""
        self._take(members)

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _too_much()

    def check_nesting(self, values: Iterable[Any]) -> None:
        """ForbiddenTypeError (21) where the containers in `values`, written out, would be far longer than the file."""
        sizes: dict[int, int] = {}
        for value in values:
            if self._written_out(value, sizes, 0) > self._most:
                raise _too_much()

    def _written_out(self, value: Any, sizes: dict[int, int], depth: int) -> int:
        """How many values stand in `value` when each container is written as often as it is named."""
        objects = isinstance(value, np.ndarray) and value.dtype.kind == "O"
        if not objects and not isinstance(value, _CONTAINERS):
            return 1
        if id(value) in sizes:
            return sizes[id(value)]
        if depth > _DEEPEST:
            raise _too_much()
        members = value.ravel().tolist() if objects else value.values() if isinstance(value, dict) else value
        size = 1 + sum(self._written_out(member, sizes, depth + 1) for member in members)
        sizes[id(value)] = size
        return size


def check_key(key: Any) -> None:
    """ForbiddenTypeError (21) for what is no key of a dict or member of a set in a model.

    To hash a tuple, Python goes through all that is in it, without an end to the depth; and many whole numbers beyond
    64 bits, or decimal numbers, can have one hash.
    """
    if isinstance(key, tuple):
        right = len(key) <= _LONGEST_KEY and not any(isinstance(item, tuple) for item in key)
        for part in key if right else ():
            check_key(part)
    elif isinstance(key, int):
        right = -(2**63) <= key < 2**64
    else:
        right = not isinstance(key, complex | Decimal | slice | range | np.void | np.complexfloating)
    if not right:
        raise ForbiddenTypeError(f"model.joblib has a {type(key).__name__} for a key that no model has")


def _too_much() -> ForbiddenTypeError:
    return ForbiddenTypeError(
        "model.joblib names what it holds so often that reading it would take far more than its size; no dump of "
        "joblib's does: train the model again"
    )
