"""Looks at the quotes of a CSV while it is read: a missing one makes one cell of several rows."""

from __future__ import annotations

from codecs import BOM_UTF8

import numpy as np

from artifact.errors import DataContractError
from artifact.excerpt import excerpt

_EXCERPT = 60
_LONGEST = 4 << 20  # bytes of a cell: the reader refuses longer rows
# What stands before a quoted cell, and behind one.
_BEFORE, _BEHIND = np.zeros(256, bool), np.zeros(256, bool)
_BEFORE[list(b",;\t|\n")] = True
_BEHIND[list(b',;\t|\r\n "')] = True


class Quotes:
    """The quotes of the file `name`, whose pieces `add` gets one by one.

    Two quotes enclose a cell; if a quote in a cell is written twice, they enclose the part of the cell before it.

    In a cell that does not begin with a quote, a quote is a character as any other. After such a quote nobody can tell
    which two belong together, so that `add` looks at no more of them.
    """

    def __init__(self, name: object) -> None:
        self._name = name
        self._count = 0
        self._in_pairs = True
        self._offset = 0  # in the file, of `_rest`
        self._rest = b""  # from the byte before the last cell on, which may go on in the next piece

    def add(self, piece: bytes) -> None:
        """DataContractError (40) for a quoted cell of several lines that goes on behind the quote that ends it."""
        self._count += piece.count(b'"')
        if self._in_pairs and piece:
            data = self._rest + piece
            end = self._look_at(data) if b'"' in data else len(data) - 1
            self._offset += end
            self._rest = data[end:]
            self._in_pairs &= len(self._rest) <= _LONGEST

    def end(self) -> None:
        """DataContractError (40) for a quote that is never closed: it takes the rest of the file as one cell."""
        if self._count % 2:
            raise DataContractError(
                f"{self._name} has an odd number of quotes: a quoted cell is never closed, or the file is cut off; "
                "close it, or write it again"
            )

    def _look_at(self, data: bytes) -> int:
        """Check the quoted cells that end in `data`. Returns the place before the first cell that may go on in the next
        piece."""
        characters = np.frombuffer(data, np.uint8)
        places = np.flatnonzero(characters == ord('"'))
        pairs = places[: len(places) // 2 * 2].reshape(-1, 2)
        goes_on = pairs[1:, 0] == pairs[:-1, 1] + 1  # the same cell, behind a quote that is written twice
        begins = pairs[np.append(True, ~goes_on)[: len(pairs)], 0]
        ends = pairs[np.append(~goes_on, True)[: len(pairs)], 1]
        open_at = int(places[-1]) if len(places) % 2 else len(data)  # a quote whose pair is still to come
        if len(ends) and ends[-1] + 1 in (open_at, len(data)):  # the first of two quotes, perhaps
            open_at = int(begins[-1])
            begins, ends = begins[:-1], ends[:-1]
        may_begin = _BEFORE[characters[begins - 1]]
        if self._offset == 0:
            may_begin |= begins == (len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0)
        stray = np.flatnonzero(~may_begin)
        if len(stray):
            self._in_pairs = False
            begins, ends = begins[: stray[0]], ends[: stray[0]]
        goes_wrong = ~_BEHIND[characters[ends + 1]]
        self._refuse_lines(data, begins[goes_wrong].tolist(), ends[goes_wrong].tolist())
        return max(0, open_at - 1)

    def _refuse_lines(self, data: bytes, begins: list[int], ends: list[int]) -> None:
        """DataContractError (40) where one of these cells, behind whose ends there is text, has several lines."""
        for begin, end in zip(begins, ends, strict=True):
            if data.find(b"\n", begin, end) >= 0:
                text = data[begin : begin + 4 * _EXCERPT].decode(errors="replace")
                raise DataContractError(
                    f"{self._name}: the quoted cell at offset {self._offset + begin} has several lines, and text "
                    f"behind the quote that ends it: {excerpt(text, _EXCERPT)}; a quote is missing before that, or one "
                    "within the cell is not written twice: mend it, or write the file again"
                )
