"""The elements of a binary BYTES tensor, each behind its length in four bytes, as they stand there."""

from __future__ import annotations

import numpy as np

from artifact.validation.utf8_texts import LONGEST, Utf8Texts

FEW = 64  # elements of which an object each costs little
_ZEROS = 3  # of a length below 256
_SEPARATOR = "\0" * (1 + _ZEROS)


def read(raw: bytes, count: int) -> Utf8Texts | None:
    """The `count` elements of `raw`. None where one is empty, long, or holds a zero, or where they are no UTF-8, or not
    so many: whoever looks at one after the other says what is wrong.
    """
    data = np.frombuffer(raw, np.uint8)
    zeros = np.flatnonzero(data == 0)
    if len(zeros) != _ZEROS * count or zeros[0] != 1:
        return None
    # Where each length and its zeros stand right behind the element before, all zeros are those of lengths.
    first = zeros[::_ZEROS]
    lengths = data[first - 1].astype(np.intp)
    starts = first + _ZEROS
    longest = int(lengths.max())
    ends = starts + lengths
    if longest > LONGEST or ends[-1] != len(raw) or (zeros[_ZEROS - 1 :: _ZEROS] + 1 != starts).any():
        return None
    if (ends[:-1] + 1 != first[1:]).any() or not _is_utf8(raw):
        return None
    padded = np.zeros(int(starts[-1]) + LONGEST, np.uint8)
    padded[: len(raw)] = data
    padded[first - 1] = 0  # so that nothing but zeros stands between two texts
    return Utf8Texts(padded.tobytes(), starts, lengths, longest, _SEPARATOR)


def _is_utf8(raw: bytes) -> bool:
    """Whether each element is: a length of up to LONGEST is a character by itself."""
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
