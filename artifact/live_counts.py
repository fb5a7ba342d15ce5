"""Counts of live values in the bins of the reference profile, so that drift can be computed from the metrics alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np

from artifact.categorical import Categorical, CategoricalColumns
from artifact.prediction import Columns, rows
from artifact.signature import Signature, as_json, label_text

_CELLS = 1 << 14  # values compared with all edges at once: arrays of this size stay in the processor's cache
_MOST_ROWS = (1 << 15) - 1  # counted at once, in 16 bits: three times as fast as in 64
_SORTED = 64  # rows from which sorting a feature costs less than comparing each of its values with each edge
# Rows from which comparing costs half of what sorting does: numpy no longer copies them into a buffer of its own first.
MANY_ROWS = 1 << 12
_ROWS, _COMPARISONS = 1 << 13, 1 << 18  # of many rows, at once: they stay in the processor's cache
_WORDS = 128  # of eight comparisons each, added up as one number of 64 bits, of which each byte holds up to 255
_LOT = 8 * _WORDS  # rows, of which a table that is compared has a multiple
_FEW = 8  # whole numbers from the least to the greatest: each of them is counted by itself


class Distribution:
    """One feature, or the prediction, counted as `artifact.profile` counted it in training.

    `bins` names them, `expected` has the counts of training, `counts` those of live values; `missing`,
    `out_of_range` (a number below the least or above the greatest of training) and `unseen` (a category that training
    did not have) count beside them.

    `edges` are the ends of the bins of a number, in order. `places` counts the numbers below all edges, behind each of
    them, and, at its end, the missing ones; of a category it counts those of each bin, and the missing ones.
    """

    def __init__(self, reference: Mapping[str, Any], boolean: bool = False) -> None:
        self.numeric = reference["kind"] == "numeric"
        self.unseen = 0
        self._boolean = boolean
        self._bin_of: dict[str, int] = {}
        self._last: tuple[Sequence[Any], list[int]] = (), []  # categories, and the place of each
        self.edges = np.empty(0)
        if self.numeric:
            least, greatest = (reference[end] for end in ("min", "max"))
            ends = (-np.inf, np.inf) if least is None else (least, np.nextafter(greatest, np.inf))
            self.edges = np.array([ends[0], *reference["edges"], ends[1]], dtype=np.float64)
            self.bins = _intervals(reference["edges"])
            self.expected = list(reference["counts"])
        else:
            other = "(other)"
            while other in reference["counts"]:
                other += "'"
            self.bins = [*reference["counts"], other]
            self.expected = [*reference["counts"].values(), reference["other"]]
            self._bin_of = {text: place for place, text in enumerate(self.bins[:-1])}
        self.places = np.zeros(len(self.edges) + 2 if self.numeric else len(self.bins) + 1, dtype=np.int64)

    @property
    def counts(self) -> np.ndarray:
        """Live values in each of `bins`; those out of range are in the first and the last of them."""
        if not self.numeric:
            return self.places[:-1]
        counts = self.places[1 : len(self.bins) + 1].copy()
        counts[0] += self.places[0]
        counts[-1] += self._above
        return counts

    @property
    def missing(self) -> int:
        """Live values that are missing."""
        return int(self.places[-1])

    @property
    def out_of_range(self) -> int:
        """Live numbers outside the range of training."""
        return int(self.places[0] + self._above) if self.numeric else 0

    @property
    def _above(self) -> int:
        return int(self.places[len(self.bins) + 1])

    def add(self, values: np.ndarray) -> None:
        """Count `values`, shape [rows]; NaN is a missing one."""
        if self.numeric:
            numbers = values.astype(np.float64, copy=False)
            places = np.searchsorted(self.edges, numbers, side="right")
            places[np.isnan(numbers)] = len(self.places) - 1
            self.places += np.bincount(places, minlength=len(self.places))
        else:
            self.add_counts(self.category_counts(values))

    def category_counts(self, values: np.ndarray) -> list[tuple[int, int]]:
        """Of the categories in `values`, shape [rows]: how many there are in which place of `places`."""
        if self._boolean:
            true, false = (int(np.count_nonzero(values == value)) for value in (1, 0))
            occurrences: Mapping[Any, int] = {True: true, False: false, None: len(values) - true - false}
        else:
            occurrences = _occurrences(values)
        return [(self._place(value), count) for value, count in occurrences.items() if count]

    def categorical_counts(self, column: Categorical) -> list[tuple[int, int]]:
        """As `category_counts`, of a column in the other form."""
        categories, places = self._last
        if categories is not column.categories:  # nearly every request has those of the one before
            categories, places = column.categories, list(map(self._place, column.categories))
            self._last = categories, places
        return list(zip(places, np.bincount(column.codes, minlength=len(places)).tolist(), strict=True))

    def add_counts(self, counts: list[tuple[int, int]]) -> None:
        """Add what `category_counts` gave."""
        other = len(self.bins) - 1
        for place, count in counts:
            self.places[place] += count
            # Where training had values beyond its most frequent ones, nobody can tell them from new ones.
            if place == other and not self.expected[other]:
                self.unseen += count

    def _place(self, value: Any) -> int:
        if value is None or value != value:
            return len(self.bins)
        return self._bin_of.get(label_text(as_json(value)), len(self.bins) - 1)


class FeatureDistributions:
    """The distributions of one signature's features, by name. `add` may be called from any thread.

    The counts of all numeric features are one table, of which each Distribution has a row.
    """

    def __init__(self, signature: Signature, references: Mapping[str, Any]) -> None:
        """`references`: a feature's part of the reference profile, by name."""
        self.features = {
            feature.name: Distribution(references[feature.name], feature.dtype == "bool")
            for feature in signature.inputs
        }
        self._numeric = [name for name, feature in self.features.items() if feature.numeric]
        self._others = [name for name, feature in self.features.items() if not feature.numeric]
        edges = [self.features[name].edges for name in self._numeric]
        most = max(map(len, edges), default=0)
        # The edges of each feature in a row, and NaN at its end, which in an order stands behind every number.
        self._ends = np.full((len(edges), most + 1), np.inf)
        self._ends[:, -1] = np.nan
        for place, own in enumerate(edges):
            self._ends[place, : len(own)] = own
        self._edges = np.ascontiguousarray(self._ends[:, :-1].T)[:, :, np.newaxis]
        # -inf, which every number reaches, and the edges of each feature.
        self._limits = np.insert(self._ends[:, :-1], 0, -np.inf, axis=1)[:, :, np.newaxis]
        # Numbers below all edges, behind each of them, and missing.
        self._table = np.zeros((len(edges), most + 2), dtype=np.int64)
        for place, name in enumerate(self._numeric):
            self.features[name].places = self._table[place]
        self._lock = Lock()

    def add(self, tables: Sequence[Columns]) -> None:
        """Count the values of `tables`, columns of [rows] by feature name; NaN is a missing value."""
        lengths = list(map(rows, tables))
        if self._numeric and sum(lengths) >= MANY_ROWS:
            self._add_many(tables, sum(lengths))
        elif self._numeric:
            step = max(1, min(_MOST_ROWS, _CELLS // len(self._numeric)))
            long = [table for table, length in zip(tables, lengths, strict=True) if length > step]
            if short := [table for table, length in zip(tables, lengths, strict=True) if length <= step]:
                numbers = self._numbers(short)
                for start in range(0, numbers.shape[1], step):
                    self._add_numbers(numbers[:, start : start + step])
            for table in long:
                for start in range(0, rows(table), step):
                    part = {name: table[name][start : start + step] for name in self._numeric}
                    self._add_numbers(self._numbers([part]))
        texts = [table for table in tables if type(table) is CategoricalColumns]
        others = [table for table in tables if type(table) is not CategoricalColumns] if texts else tables
        for name in self._others:
            distribution = self.features[name]
            columns = [column for table in texts if (column := table.categorical(name))]
            counts = [pair for column in columns for pair in distribution.categorical_counts(column)]
            arrays = [table[name] for table in others]
            if len(columns) < len(texts):
                arrays += [table[name] for table in texts if table.categorical(name) is None]
            if arrays:
                counts += distribution.category_counts(np.concatenate(arrays) if len(arrays) > 1 else arrays[0])
            with self._lock:
                distribution.add_counts(counts)

    def _numbers(self, tables: Sequence[Columns]) -> np.ndarray:
        """The numeric features of all tables, one behind the other: float64 of shape [features, rows]."""
        # One concatenation of all columns of all tables: one for each table would cost more than the counting.
        columns = [table[name] for name in self._numeric for table in tables]
        flat: np.ndarray = np.concatenate(columns, dtype=np.float64, casting="unsafe")
        return flat.reshape(len(self._numeric), -1)

    def _add_many(self, tables: Sequence[Columns], count: int) -> None:
        """Count tables of `count` rows in all: compare each number with each edge of its feature, some features at a
        time.
        """
        padded = -(-count // _LOT) * _LOT
        together = max(1, _COMPARISONS // (self._limits.shape[1] * min(padded, _ROWS)))
        for begin in range(0, len(self._numeric), together):
            names = self._numeric[begin : begin + together]
            numbers = np.empty((len(names), padded))
            for of_feature, name in zip(numbers, names, strict=True):
                np.concatenate([table[name] for table in tables], out=of_feature[:count], casting="unsafe")
            numbers[:, count:] = np.nan
            limits = self._limits[begin : begin + together]
            parts = [_reached(numbers[:, start : start + _ROWS], limits) for start in range(0, padded, _ROWS)]
            reached = np.add.reduce(parts, axis=0)
            below = np.concatenate([reached[:, :1] - reached[:, 1:], reached[:, :1]], axis=1)
            self._add_below(below, count, slice(begin, begin + together))

    def _add_numbers(self, numbers: np.ndarray) -> None:
        """Count `numbers`, shape [features, rows], at most _MOST_ROWS rows. Their order may change."""
        self._add_below(self._below(numbers), numbers.shape[1], slice(None))

    def _add_below(self, below: np.ndarray, count: int, features: slice) -> None:
        """Add what `_below` says of `count` rows of numeric features, those at `features` among all of them."""
        counts = np.empty((len(below), self._table.shape[1]), dtype=np.int64)
        # Below all edges; behind each edge but not the next one; behind the last.
        counts[:, 0] = below[:, 0]
        counts[:, 1:-1] = below[:, 1:] - below[:, :-1]
        counts[:, -1] = count - below[:, -1]
        with self._lock:
            self._table[features] += counts

    def _below(self, numbers: np.ndarray) -> np.ndarray:
        """How many of `numbers` are less than each edge, and, in the last column, how many are not missing; shape
        [features, edges + 1].
        """
        if numbers.shape[1] >= _SORTED:
            numbers.sort(axis=1)
            return np.array([column.searchsorted(ends) for column, ends in zip(numbers, self._ends, strict=True)])
        present = numbers.shape[1] - np.add.reduce(np.isnan(numbers), axis=1, dtype=np.int16)
        reached = np.add.reduce(numbers >= self._edges, axis=2, dtype=np.int16).T
        return np.concatenate([present[:, np.newaxis] - reached, present[:, np.newaxis]], axis=1)


def _reached(numbers: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How many of `numbers`, of shape [features, rows] with a multiple of _LOT rows, are at least as great as each of
    `limits`, [features, limits, 1]: int64, [features, limits].
    """
    words = np.greater_equal(numbers[:, np.newaxis], limits).view(np.uint64)
    sums = np.add.reduce(words.reshape(*words.shape[:2], -1, _WORDS), axis=3)
    reached: np.ndarray = np.add.reduce(sums.view(np.uint8), axis=2, dtype=np.int64)
    return reached


def _occurrences(values: np.ndarray) -> Mapping[Any, int]:
    """How often each of `values` occurs."""
    if values.dtype.kind == "i" and len(values):
        least, greatest = int(values.min()), int(values.max())
        if greatest - least < _FEW:  # labels are few: no Python object for each row
            return {value: int(np.count_nonzero(values == value)) for value in range(least, greatest + 1)}
        if greatest - least < len(values):
            occurrences = np.bincount(values - least)
            return {least + place: int(occurrences[place]) for place in np.flatnonzero(occurrences).tolist()}
    return Counter(values.tolist())


def _intervals(edges: list[float]) -> list[str]:
    """Names of the bins between `edges`: each edge belongs to the bin on its right."""
    ends = ["-inf", *(f"{edge!r}" for edge in edges), "inf"]
    return [f"{'(' if place == 0 else '['}{low},{high})" for place, (low, high) in enumerate(pairwise(ends))]
