"""What the leaves of many trees add up to, to the bit as if they were added one tree after the other."""

from __future__ import annotations

import numpy as np

_BITS = 16  # of a count
_MOST = (1 << _BITS) - 1
_COUNTS = 64 // _BITS  # in one number


class LeafSums:
    """Adds up `values`, [distinct leaves, targets], for so many `trees`.

    All leaves that add anything to a target may add the same, as in a forest that is grown until its leaves are of one
    class. Then the leaves of a row are counted, several targets at once, and the sum of so many is looked up.
    """

    def __init__(self, values: np.ndarray, trees: int) -> None:
        self._values = np.ascontiguousarray(values.T)  # [targets, distinct leaves]
        added = [column[column != 0] for column in self._values]
        self._by_count = trees <= _MOST and all((numbers == numbers[:1]).all() for numbers in added)
        if self._by_count:
            shifts = np.arange(len(added), dtype=np.uint64) % _COUNTS * _BITS
            ones = (self._values != 0).astype(np.uint64) << shifts[:, None]
            # Of each leaf a 1 in the place of each count that it adds to: [numbers, distinct leaves].
            self._ones = [np.bitwise_or.reduce(ones[at : at + _COUNTS]) for at in range(0, len(added), _COUNTS)]
            self._sums = [_sums(numbers[:1], trees) for numbers in added]

    def into(self, sums: np.ndarray, leaves: np.ndarray) -> None:
        """Set `sums`, [targets, rows], for the places in `values` of the leaves of at least two rows, [trees, rows]."""
        if not self._by_count:
            for values, target in zip(self._values, sums, strict=True):
                # Along the first axis numpy adds one after the other; along the last it would not.
                np.add.reduce(values.take(leaves), axis=0, out=target, initial=0)
            return
        counts = [np.add.reduce(ones.take(leaves), axis=0) for ones in self._ones]
        for number, (table, target) in enumerate(zip(self._sums, sums, strict=True)):
            count = counts[number // _COUNTS] >> np.uint64(number % _COUNTS * _BITS) & np.uint64(_MOST)
            table.take(count.astype(np.intp), out=target, mode="clip")


def _sums(number: np.ndarray, trees: int) -> np.ndarray:
    """The sums of 0 to `trees` times `number`, an array of one; of none all are 0."""
    if not len(number):
        return np.zeros(trees + 1, number.dtype)
    return np.add.accumulate(np.append(np.zeros(1, number.dtype), np.repeat(number, trees)))
