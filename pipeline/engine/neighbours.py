"""Rows on both sides of the splits of a model's trees: where a number that is rounded otherwise takes the other branch.

A split compares a column of the preprocessed table with a threshold. The value to send for it is searched by halving,
through the fitted preprocessing itself, so that any that is monotone in its column will do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.pipeline import Pipeline

from artifact.prediction import Columns, rows
from artifact.signature import Feature, Signature
from artifact.validation.column import number_bounds
from artifact.validation.frame import from_columns
from pipeline.engine import estimators
from pipeline.engine.trees import Tree

SPLITS = 256  # splits at most, evenly spaced among all
_REACHING = 1000  # training rows that are looked through for one that reaches a split
_AT_ONCE = 100  # features that are moved in one table
_STEPS = 65  # halvings that tell any two float64 apart


@dataclass(frozen=True)
class Neighbours:
    """`table`: rows beside `tried` splits of the `present` ones."""

    table: Columns
    tried: int
    present: int


@dataclass(frozen=True)
class _Split:
    """A column of the preprocessed table, its threshold, and a training row that comes by."""

    column: int
    threshold: float
    row: int


def of(signature: Signature, fitted: Any, train: Columns) -> Neighbours:
    """For each split: training rows that reach it, with the column it looks at moved to the last number that goes left
    and the first that goes right, were the column compared in float64 and were it rounded to float32 before.
    """
    nothing = {name: values[:0] for name, values in train.items()}
    steps = fitted.steps if isinstance(fitted, Pipeline) else [("estimator", fitted)]
    members = estimators.trees_of(steps[-1][1])
    if not members:
        return Neighbours(nothing, 0, 0)
    table = {name: values[:_REACHING] for name, values in train.items()}
    before = Pipeline(steps[:-1]) if len(steps) > 1 else None

    def preprocess(columns: Columns) -> np.ndarray:
        frame = from_columns(signature, columns)
        with config_context(assume_finite=True), np.errstate(all="ignore"):
            output: Any = frame if before is None else before.transform(frame)
        return np.asarray(output.toarray() if hasattr(output, "toarray") else output, dtype=np.float64)

    splits, present = _some_splits(members, preprocess(table))
    drivers = _drivers(signature, table, preprocess)
    splits = [split for split in splits if split.column in drivers]
    if not splits:
        return Neighbours(nothing, 0, present)
    pairs = [(split, target) for split in splits for target in _targets(split.threshold)]
    base = {name: values[[split.row for split, _ in pairs]] for name, values in table.items()}
    search = _Search(signature, base, [drivers[split.column] for split, _ in pairs], preprocess)
    targets, columns = np.array([target for _, target in pairs]), np.array([split.column for split, _ in pairs])
    keys = search.first_at_least(targets, columns)
    sides = [search.table(keys), search.table(keys, before=True)]
    both = {name: np.concatenate([side[name] for side in sides]) for name in signature.names}
    _, distinct = np.unique(_row_keys(signature, both), axis=0, return_index=True)
    return Neighbours({name: values[np.sort(distinct)] for name, values in both.items()}, len(splits), present)


def _targets(threshold: float) -> list[float]:
    """The threshold, the number after it, float32's on both sides, the middle of these (from which on a number is
    rounded up) and the number after that.
    """
    below = np.float32(threshold)
    if float(below) > threshold:
        below = np.nextafter(below, np.float32(-np.inf))
    above = np.nextafter(below, np.float32(np.inf))
    middle = (float(below) + float(above)) / 2
    numbers = [threshold, np.nextafter(threshold, np.inf), below, above, middle, np.nextafter(middle, np.inf)]
    return sorted({float(number) for number in numbers if np.isfinite(number)})


def _some_splits(members: list[Tree], values: np.ndarray) -> tuple[list[_Split], int]:
    """Some of all distinct splits, each with a row of `values` that reaches it where there is one, and their number."""
    columns, thresholds, visitors = [], [], []
    for tree in members:
        inner = np.flatnonzero(~tree.leaf)
        columns.append(tree.column[inner].astype(np.int64))
        thresholds.append(tree.threshold[inner])
        visitors.append(_first_rows(tree, values)[inner])
    column, threshold, row = (np.concatenate(each) for each in (columns, thresholds, visitors))
    finite = np.isfinite(threshold)
    column, threshold, row = column[finite], threshold[finite], row[finite]
    order = np.lexsort((row < 0, threshold, column))
    column, threshold, row = column[order], threshold[order], row[order]
    fresh = np.ones(len(column), dtype=bool)
    fresh[1:] = (column[1:] != column[:-1]) | (threshold[1:] != threshold[:-1])
    distinct = np.flatnonzero(fresh)
    if not len(distinct):
        return [], 0
    some = distinct[np.unique(np.linspace(0, len(distinct) - 1, min(SPLITS, len(distinct))).round().astype(int))]
    return [_Split(int(column[place]), float(threshold[place]), max(0, int(row[place]))) for place in some], len(
        distinct
    )


def _first_rows(tree: Tree, values: np.ndarray) -> np.ndarray:
    """The first row of `values` that reaches each node, -1 for none."""
    first = np.full(len(tree.leaf), -1)
    at, moving = np.zeros(len(values), dtype=np.int64), np.arange(len(values))
    while len(moving):
        nodes = at[moving]
        distinct, indices = np.unique(nodes, return_index=True)
        first[distinct] = moving[indices]
        inner = ~tree.leaf[nodes]
        moving, nodes = moving[inner], nodes[inner]
        value = values[moving, tree.column[nodes]]
        left = np.where(np.isnan(value), tree.missing_left[nodes], value <= tree.threshold[nodes])
        at[moving] = np.where(left, tree.left[nodes], tree.right[nodes])
    return first


def _drivers(signature: Signature, table: Columns, preprocess: Callable[[Columns], np.ndarray]) -> dict[int, Feature]:
    """For each column of the preprocessed table, the first number of the signature that moves it."""
    drivers: dict[int, Feature] = {}
    numbers = [
        feature
        for feature in signature.inputs
        if feature.numeric and feature.categories is None and (table[feature.name] == table[feature.name]).any()
    ]
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        moved = {name: np.repeat(column[:1], 3 * len(some)) for name, column in table.items()}
        for place, feature in enumerate(some):
            present = np.sort(table[feature.name][table[feature.name] == table[feature.name]])
            moved[feature.name][3 * place : 3 * place + 3] = present[[0, len(present) // 2, -1]]
        values = preprocess(moved)
        for place, feature in enumerate(some):
            three = values[3 * place : 3 * place + 3]
            for column in np.flatnonzero((three != three[0]).any(axis=0)).tolist():
                drivers.setdefault(column, feature)
    return drivers


class _Search:
    """Halves, in all rows at once, the numbers that may be sent for a row's feature, as whole numbers in one order."""

    def __init__(
        self,
        signature: Signature,
        base: Columns,
        features: list[Feature],
        preprocess: Callable[[Columns], np.ndarray],
    ) -> None:
        self._base, self._preprocess = base, preprocess
        self._rows = {
            feature: np.flatnonzero([candidate is feature for candidate in features])
            for feature in dict.fromkeys(features)
        }
        self._count = rows(base)
        self._low, self._high = np.empty(self._count, np.int64), np.empty(self._count, np.int64)
        for feature, places in self._rows.items():
            low, high = number_bounds(feature)
            if feature.whole:
                low, high = max(low, -(2.0**62)), min(high, 2.0**62)
            self._low[places], self._high[places] = (_keys(feature, np.array([end]))[0] for end in (low, high))

    def table(self, keys: np.ndarray, before: bool = False) -> Columns:
        """The rows with the numbers of `keys`, or those just before them."""
        keys = np.maximum(keys - 1, self._low) if before else keys
        table = {name: values.copy() for name, values in self._base.items()}
        for feature, places in self._rows.items():
            table[feature.name][places] = _numbers(feature, keys[places])
        return table

    def first_at_least(self, targets: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The keys of the first numbers that move `columns` of the preprocessed rows to `targets`, or past them."""

        def values(keys: np.ndarray) -> np.ndarray:
            output: np.ndarray = self._preprocess(self.table(keys))[np.arange(self._count), columns]
            return output

        rising = values(self._high) >= values(self._low)
        low, high = self._low.copy(), self._high.copy()
        for _ in range(_STEPS):
            middle = (low & high) + ((low ^ high) >> 1)  # of two int64 whose difference may be none
            there = values(middle)
            past = np.where(rising, there >= targets, there <= targets)
            high = np.where(past, middle, high)
            low = np.where(past, low, np.minimum(middle + 1, high))
        return high


def _keys(feature: Feature, numbers: np.ndarray) -> np.ndarray:
    """Numbers as int64 in the same order, next to each other where the numbers are."""
    if feature.whole:
        return numbers.astype(np.int64)
    bits = numbers.astype(np.float64).view(np.int64)
    keys: np.ndarray = bits ^ ((bits >> 63) & np.int64(2**63 - 1))
    return keys


def _numbers(feature: Feature, keys: np.ndarray) -> np.ndarray:
    if feature.whole:
        return keys
    bits: np.ndarray = keys ^ ((keys >> 63) & np.int64(2**63 - 1))
    return bits.view(np.float64)


def _row_keys(signature: Signature, table: Columns) -> np.ndarray:
    """Rows as whole numbers that are equal where the rows are."""
    return np.stack(
        [
            np.unique(values.astype(str) if values.dtype == object else values, return_inverse=True)[1].ravel()
            for values in (table[name] for name in signature.names)
        ],
        axis=1,
    )
