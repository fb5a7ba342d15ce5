"""The name that a mistyped one was meant to be, looked for among a few of however many names there are."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Sequence

_LONGEST = 80  # characters of a name: difflib's time grows with the product of two lengths
_NEIGHBOURS = 8  # on each side of the place that a name has in each of the two orders


class Spelling:
    """Some names, in alphabetical order, and in that of the same names read backwards.

    A slip leaves the beginning or the end of a name as it was. So the name that was meant stands near the mistyped one
    in one of these orders, and only their neighbours are compared with it.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = [name for name in names if len(name) <= _LONGEST]
        self._forwards = sorted(self._names)
        self._backwards = sorted(name[::-1] for name in self._names)

    def nearest(self, name: str) -> str | None:
        """The name most like `name`; None where none is like it, or `name` is very long."""
        if len(name) > _LONGEST:
            return None
        candidates = self._names
        if len(candidates) > 4 * _NEIGHBOURS:
            backwards = [other[::-1] for other in _neighbours(self._backwards, name[::-1])]
            candidates = list(dict.fromkeys([*_neighbours(self._forwards, name), *backwards]))
        return next(iter(difflib.get_close_matches(name, candidates, 1)), None)


def _neighbours(names: list[str], name: str) -> list[str]:
    place = bisect_left(names, name)
    return names[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]
