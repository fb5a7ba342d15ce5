"""Lists of texts within a JSON body that simdjson has parsed, read from its bytes without a Python object for each."""

from __future__ import annotations

import numpy as np

from artifact.validation.utf8_texts import LONGEST, Utf8Texts

_QUOTE = ord('"')
_CLOSE, _SPACED = (int.from_bytes(separator, "little") for separator in (b'","', b'", "'))  # from one text to the next
_THREE_BYTES = 0xFFFFFF


class JsonTexts:
    """The lists of texts in a body, by the numbers of their brackets."""

    def __init__(self, body: bytes, data: np.ndarray) -> None:
        """`data`: the bytes of `body`, in which no text has a bracket (otherwise all lists here are wrong)."""
        self._body = body
        self._plain = b"\\" not in body  # then each quotation mark begins or ends a text
        self._brackets = np.flatnonzero(data == ord("["))

    def list(self, number: int, count: int) -> Utf8Texts | None:
        """The list at bracket `number` in the order of the body, which has `count` items and begins with a text. None
        where another item is no text, or where one is long, or escaped, or where blanks are odd.
        """
        if not self._plain or number >= len(self._brackets):
            return None
        start = int(self._brackets[number])
        end = int(self._brackets[number + 1]) if number + 1 < len(self._brackets) else len(self._body)
        part = self._body[start : end + LONGEST]
        data = np.frombuffer(part, np.uint8)
        quotes = np.flatnonzero(data == _QUOTE)[: 2 * count]
        if len(quotes) < 2 * count or quotes[0] != 1:
            return None
        starts, ends = quotes[::2] + 1, quotes[1::2]
        words: np.ndarray = np.ndarray((len(part) - 3,), "<u4", part, strides=(1,))
        between = words[ends[:-1]]
        spaced = bool(between[0] == _SPACED)
        if not (between == _SPACED if spaced else between & _THREE_BYTES == _CLOSE).all():
            return None
        lengths = ends - starts
        longest = int(lengths.max())
        if longest > LONGEST:
            return None
        padded = part.ljust(int(starts[-1]) + LONGEST, b"\0")
        return Utf8Texts(padded, starts, lengths, longest, '", "' if spaced else '","')
