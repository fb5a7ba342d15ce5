"""Which rows are at or below each limit of some columns: as sets of bits, 64 rows in one number.

A number's rank is how many limits of its column are less than it. A row is at or below a limit if its rank is not
greater than that of the limit. One operation counts the rows of all columns by rank, each row as the bit that it has in
a set; the set of a limit then has the bits of all ranks up to its own.

For the ranks a column is cut into buckets, and a table tells of each bucket how many limits are in those before it.
Only a number in a bucket with limits is compared with these. Where many limits are in one bucket, sorting the rows
tells the ranks of a column.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

WORD = 64  # rows that a number has bits for
_HALF = 32  # rows whose bits add up in a float64 without rounding
_PER_LIMIT = 16  # buckets for each limit, on the mean
_FEWEST, _MOST = 256, 1 << 14  # buckets of a column
_FULL = 8  # limits in one bucket: if a bucket of a column has more, sorting its rows is cheaper


class RowSets:
    """For the `limits` of all columns, ascending within each column; those of column number i are `begins[i]` up to
    `begins[i + 1]`. `most_rows`: how many there are at a time.

    `places`, [limits]: where the set of each limit is, in what `below` answers.
    """

    def __init__(self, limits: np.ndarray, begins: np.ndarray, most_rows: int) -> None:
        counts = np.diff(begins)
        column = np.repeat(np.arange(len(counts)), counts)  # of each limit
        self._of_column = [limits[begin:end] for begin, end in pairwise(begins)]
        # A column has a rank more than limits: the last one is that of numbers behind all of them, and of missing ones.
        self.places = np.arange(len(limits)) + column
        self._begins = (begins[:-1] + np.arange(len(counts)))[:, None]  # of each column, the place of its first rank
        self._lasts = self._begins + counts[:, None]
        self._limits = np.full(len(limits) + len(counts), np.inf)  # of each rank; of the last one nothing is greater
        self._limits[self.places] = limits
        self._cut(limits, column)
        rows = np.arange(most_rows)
        self._halves = rows // _HALF  # of words
        self._bits = np.tile(2.0 ** (rows % _HALF), (len(counts), 1))

    def _cut(self, limits: np.ndarray, column: np.ndarray) -> None:
        """Set what gives a number's bucket, and the table of buckets: the place of the least rank that a number in it
        may have, `~` of that (less than 0) where it has limits.
        """
        columns = len(self._of_column)
        mean = _PER_LIMIT * len(limits) // max(columns, 1)
        self._buckets = 1 << min(max(mean, _FEWEST), _MOST).bit_length()  # of a column
        self._origins, self._least, self._most = np.zeros((columns, 1)), np.ones((columns, 1)), np.ones((columns, 1))
        self._shifts, self._bucket_begins = np.zeros((columns, 1), np.int64), np.zeros((columns, 1), np.int64)
        for number, values in enumerate(self._of_column):
            finite = values[np.isfinite(values)]
            with np.errstate(over="ignore"):
                distances = finite[1:] - finite[:1]
            if len(distances):
                self._origins[number] = finite[0]
                self._least[number], self._most[number] = distances[0], distances[-1]
            first, last = (int(ends[number].view(np.int64)[0]) for ends in (self._least, self._most))
            shift = 0
            while (last >> shift) - (first >> shift) >= self._buckets:
                shift += 1
            self._shifts[number] = shift
            self._bucket_begins[number] = number * self._buckets - (first >> shift)
        at = self._bucket(limits[:, None], column).reshape(-1)
        counts = np.bincount(at, minlength=columns * self._buckets).reshape(columns, self._buckets)
        least = counts.cumsum(axis=1) - counts + self._begins
        self._table = np.where(counts > 0, ~least, least).astype(np.int32).reshape(-1)
        fullest = counts.max(axis=1, initial=0)
        self._sorted = np.flatnonzero(fullest > _FULL)
        self._steps = int(fullest.max(initial=0, where=fullest <= _FULL))

    def _bucket(self, numbers: np.ndarray, column: np.ndarray | slice) -> np.ndarray:
        """The place of the bucket of each number, in the table; that of a missing one may be outside of it. No step
        puts a number before a lesser one.
        """
        with np.errstate(over="ignore"):
            distances = numbers - self._origins[column]
        np.maximum(distances, self._least[column], out=distances)
        np.minimum(distances, self._most[column], out=distances)
        # The bits of a float64 that is greater than 0 are in the order of its numbers, and nearly their logarithm.
        buckets = distances.view(np.int64)
        buckets >>= self._shifts[column]
        buckets += self._bucket_begins[column]
        return buckets

    def below(self, columns: np.ndarray, gaps: bool) -> tuple[np.ndarray, np.ndarray]:
        """For `columns`, [columns, rows], in C order: the rows at or below each limit, [ranks, words], and those whose
        number is missing, [columns, words]. Without `gaps` none is missing. What stands behind the rows means nothing.
        """
        count = columns.shape[1]
        words = -(-count // WORD)
        halves = words * (WORD // _HALF)
        ranks = self._ranks(columns)
        missing = np.zeros((len(columns), words), np.uint64)
        if gaps:
            absent = np.isnan(columns)
            np.copyto(ranks, self._lasts, where=absent)
            packed = np.packbits(absent, axis=1, bitorder="little")
            missing.view(np.uint8)[:, : packed.shape[1]] = packed
        ranks *= halves
        ranks += self._halves[:count]
        bits = self._bits[:, :count].reshape(-1)
        sums = np.bincount(ranks.reshape(-1), weights=bits, minlength=len(self._limits) * halves)
        below = sums.astype(np.uint32).view(np.uint64).reshape(-1, words)
        # Behind the last rank of a column each row has been there once: the next column begins without any.
        below[self._begins[1:, 0]] ^= ~np.uint64(0)
        np.bitwise_xor.accumulate(below, axis=0, out=below)
        return below, missing

    def _ranks(self, columns: np.ndarray) -> np.ndarray:
        """The place of the rank of each number, [columns, rows]; any place for one that is missing."""
        ranks = self._table.take(self._bucket(columns, slice(None)), mode="clip").astype(np.intp)
        flat = ranks.reshape(-1)
        unsure = np.flatnonzero(flat < 0)
        places, numbers = ~flat.take(unsure), columns.reshape(-1).take(unsure)
        for _ in range(self._steps):
            places += self._limits.take(places) < numbers
        flat[unsure] = places
        if len(self._sorted):
            some = columns[self._sorted]
            order = some.argsort(axis=1)
            for column, numbers, by_size in zip(self._sorted.tolist(), some, order, strict=True):
                # How many numbers are at most each limit; a missing one stands behind all of them.
                first = numbers.take(by_size).searchsorted(self._of_column[column], side="right")
                passed = np.bincount(first, minlength=len(numbers))[: len(numbers)].cumsum()
                ranks[column, by_size] = passed + self._begins[column]
        return ranks
