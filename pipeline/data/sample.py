"""A sample of the rows of a table of unknown length: the same rows however the table is cut into chunks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SIZE = 20_000  # rows; fewer of a table with many columns,
_CELLS = 4_000_000  # which is rows × columns,
_FEWEST = 2_000  # but no fewer than these


def size_of(columns: int) -> int:
    """How many rows are sampled of a table with so many columns."""
    return min(SIZE, max(_FEWEST, _CELLS // max(1, columns)))


class Sample:
    """The `size` rows whose numbers have the smallest hashes (bottom-k sampling: Cohen and Kaplan, PODC 2007).

    `rows` are their numbers from 0, `columns` their values, [sampled] each, in the order of the hashes: any slice of it
    is itself a sample.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._hashes = np.empty(0, dtype=np.uint64)
        self.rows = np.empty(0, dtype=np.int64)
        self.columns: dict[str, np.ndarray] = {}

    def add(self, first: int, columns: Mapping[str, np.ndarray]) -> None:
        """Consider the rows from number `first` on, whose values are `columns`."""
        rows = np.arange(first, first + len(next(iter(columns.values()))))
        hashes = _mixed(rows.astype(np.uint64))
        if len(self._hashes) >= self._size:  # most chunks of a long table change little
            near = hashes < self._hashes[-1]
            rows, hashes = rows[near], hashes[near]
            columns = {name: values[near] for name, values in columns.items()}
        together = np.concatenate([self._hashes, hashes])
        smallest = np.argsort(together, kind="stable")[: self._size]
        self._hashes = together[smallest]
        self.rows = np.concatenate([self.rows, rows])[smallest]
        self.columns = {
            name: np.concatenate([self.columns[name], values])[smallest] if name in self.columns else values[smallest]
            for name, values in columns.items()
        }


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """SplitMix64 of each number (Steele, Lea and Flood, OOPSLA 2014): different numbers, different hashes."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
