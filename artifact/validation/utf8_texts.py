"""Texts that still are bytes of UTF-8, among other bytes: no object of Python stands for any of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np

LONGEST = 32  # bytes of a text, and behind the place where the last one begins
_WORD = 8
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], "<u8")  # the first bytes of a word


class Utf8Texts(Sequence[str]):
    """Texts in `data`: each has `lengths` bytes, none of them zero, from `starts` on; [rows] each.

    Between two texts is `separator`, which is part of none of them.
    """

    def __init__(self, data: bytes, starts: np.ndarray, lengths: np.ndarray, longest: int, separator: str) -> None:
        """`longest` of the `lengths`, up to LONGEST; `data` has as many bytes from where the last text begins."""
        self._data = data
        self._starts, self._lengths, self._longest = starts, lengths, longest
        self._separator = separator

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return self.tolist()[row]
        start = int(self._starts[row])
        return self._data[start : start + int(self._lengths[row])].decode()

    def tolist(self) -> list[str]:
        """All of them."""
        end = int(self._starts[-1] + self._lengths[-1])
        return self._data[int(self._starts[0]) : end].decode().split(self._separator)

    def words(self) -> list[np.ndarray]:
        """Their bytes as whole numbers of 64 bits, zeros behind their ends: the first 8 of each, [rows], and so on."""
        view: np.ndarray = np.ndarray((len(self._data) - _WORD + 1,), "<u8", self._data, strides=(1,))
        if self._longest <= _WORD:
            return [view[self._starts] & _MASKS[self._lengths]]
        return [
            view[self._starts + at] & _MASKS[np.clip(self._lengths - at, 0, _WORD)]
            for at in range(0, self._longest, _WORD)
        ]


class Utf8Codes:
    """The places of some texts in a list, by their words: a table that is addressed by a hash of them."""

    def __init__(self, texts: list[str]) -> None:
        places = [(code, data) for code, data in enumerate(map(str.encode, texts)) if _fits(data)]
        self._width = max([_words(len(data)) for _, data in places], default=1)
        # The last column is for slots that no text has: no text of UTF-8 has such bytes.
        self._words = np.full((self._width, len(places) + 1), 2**64 - 1, "<u8")
        for place, (_, data) in enumerate(places):
            self._words[:, place] = np.frombuffer(data.ljust(_WORD * self._width, b"\0"), "<u8")
        self._codes = np.array([*(code for code, _ in places), -1], np.intp)
        bits = max(6, 2 * len(places).bit_length())
        self._shift = np.uint64(64 - bits)
        self._places = np.full(1 << bits, len(places), np.intp)
        random = np.random.default_rng(0)
        while True:
            self._factors = random.integers(0, 2**64, LONGEST // _WORD, np.uint64) | np.uint64(1)
            slots = self._slots(list(self._words[:, :-1]))
            if len(set(slots.tolist())) == len(places):  # each has a slot of its own, mostly at the first try
                break
        self._places[slots] = np.arange(len(places))

    def of(self, texts: Utf8Texts) -> np.ndarray:
        """The place of each text, -1 of those that are not in the list; intp, [rows]."""
        words = texts.words()
        places = self._places[self._slots(words)]
        same = self._words[0][places] == words[0]
        for at in range(1, max(len(words), self._width)):
            expected = self._words[at][places] if at < self._width else 0
            same &= expected == (words[at] if at < len(words) else 0)
        if not same.all():
            places[~same] = -1
        codes: np.ndarray = self._codes[places]
        return codes

    def _slots(self, words: list[np.ndarray]) -> np.ndarray:
        mixed = words[0] * self._factors[0]
        for word, factor in zip(words[1:], self._factors[1:], strict=False):
            mixed += word * factor
        slots: np.ndarray = mixed >> self._shift
        return slots


def _fits(data: bytes) -> bool:
    return len(data) <= LONGEST and b"\0" not in data


def _words(size: int) -> int:
    return max(1, -(-size // _WORD))
