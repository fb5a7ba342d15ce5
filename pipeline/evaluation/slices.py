"""Slices, parts of the holdout with a name: those that params.yaml declares, and others found or searched for."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.tree import DecisionTreeRegressor

from artifact.prediction import Columns
from artifact.signature import label_text
from pipeline.params.evaluate import Cut, Slices

_CATEGORIES = 20  # of a column, the most frequent first
_LOOKED_AT = 20_000  # rows that tell whether a column of numbers has few values
_PARTS = 4  # of a column of numbers, equally filled
_DEPTH = 2
_TREE_ROWS = 20_000  # that a tree learns on; fewer of a table with many columns,
_TREE_CELLS = 8_000_000  # which is rows × columns,
_FEWEST = 1_000  # but no fewer than these
_ONE_HOT = 10


@dataclass(frozen=True)
class Slice:
    """Rows with a name; `origin`: declared, found (a category or quartile of a column), or searched (by a tree).

    `mask` is [rows], bool.
    """

    name: str
    origin: str
    mask: np.ndarray


@dataclass(frozen=True)
class Mean:
    """The mean of the values of one slice, over `rows` rows, and its standard error, infinite for a single row."""

    rows: int
    value: float
    error: float

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """The mean of `values`, [rows]."""
        count = len(values)
        error = float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf
        return cls(count, float(values.mean()), error)

    def interval(self, confidence: float, slices: int) -> tuple[float, float]:
        """The ends of its interval, one of `slices` that hold together with `confidence`."""
        reach = quantile(confidence, slices, self.rows) * self.error
        return self.value - reach, self.value + reach


@dataclass(frozen=True)
class _Holdout:
    """The features of the held-out rows, their target, their loss, and what is declared; columns are read in turn."""

    features: Columns
    target: tuple[str, np.ndarray] | None
    loss: np.ndarray
    settings: Slices

    def column(self, name: str) -> np.ndarray:
        return self.target[1] if self.target is not None and name == self.target[0] else self.features[name]


def of(features: Columns, target: tuple[str, np.ndarray] | None, loss: np.ndarray, settings: Slices) -> Iterator[Slice]:
    """The slices of the rows of `features` with at least `settings.rows` rows, declared ones first, one at a time.

    `target` is its name and values for a classification, whose classes are slices as well. `loss` ([rows]) leads the
    search: a tree of depth 2 learns from every second row where the loss is high, and its leaves are slices of the
    other rows, so that a slice is never judged by the rows for which it was picked.
    """
    holdout = _Holdout(features, target, loss, settings)
    masks: set[bytes] = set()
    for origin, slices in ORIGINS.items():
        for name, mask in slices(holdout) if origin == "declared" or settings.found else ():
            if settings.rows <= mask.sum() < len(loss):
                # The same rows under two names are one slice.
                rows = hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=16).digest()
                if rows not in masks:
                    masks.add(rows)
                    yield Slice(name, origin, mask)


def quantile(confidence: float, slices: int, rows: int) -> float:
    """How many standard errors an interval spans so that `slices` intervals hold together: Student's t, Bonferroni."""
    return float(stats.t.ppf(1 - (1 - confidence) / (2 * max(slices, 1)), max(rows - 1, 1)))


def _cuts(holdout: _Holdout) -> Iterator[tuple[str, np.ndarray]]:
    for cut in holdout.settings.cuts:
        yield from _at(cut, holdout.column(cut.column))


def _columns(holdout: _Holdout) -> Iterator[tuple[str, np.ndarray]]:
    declared = {cut.column for cut in holdout.settings.cuts}
    for column in (*holdout.features, *([holdout.target[0]] if holdout.target else [])):
        if column not in declared:
            yield from _parts(column, holdout.column(column))


def _at(cut: Cut, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    if cut.edges:
        numbers = values.astype(np.float64)
        place = np.searchsorted(cut.edges, numbers, side="right")
        names = [f"{cut.column} < {cut.edges[0]:g}"]
        names += [f"{low:g} ≤ {cut.column} < {high:g}" for low, high in zip(cut.edges, cut.edges[1:], strict=False)]
        names.append(f"{cut.column} ≥ {cut.edges[-1]:g}")
        for number, name in enumerate(names):
            yield name, (place == number) & ~np.isnan(numbers)
    elif cut.categories:
        for value in cut.categories:
            yield f"{cut.column} = {label_text(value)}", values == value
    else:
        yield from _categories(cut.column, values)


def _parts(column: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    if values.dtype in (object, bool) or len(np.unique(values[:_LOOKED_AT])) <= _PARTS:
        yield from _categories(column, values)
        return
    numbers = values.astype(np.float64)
    missing = np.isnan(numbers)
    if missing.any():
        yield f"{column} missing", missing
    if missing.all():
        return
    edges = np.unique(np.quantile(numbers[~missing], np.linspace(0, 1, _PARTS + 1)[1:-1], method="lower"))
    yield from _at(Cut(column, tuple(edges.tolist()), ()), numbers)


def _categories(column: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    if (codes < 0).any():
        yield f"{column} missing", codes < 0
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    for code in np.argsort(-counts, kind="stable")[:_CATEGORIES]:
        yield f"{column} = {_value(distinct[code])}", codes == code


def _value(value: Any) -> str:
    plain = value.item() if hasattr(value, "item") else value
    return f"{plain:g}" if isinstance(plain, float) else label_text(plain)


def _searched(holdout: _Holdout) -> Iterator[tuple[str, np.ndarray]]:
    loss, rows = holdout.loss, holdout.settings.rows
    learn = np.arange(len(loss)) % 2 == 0
    if learn.sum() < 2 * rows:
        return
    picked = np.flatnonzero(learn)
    most = min(len(picked), _TREE_ROWS, max(_FEWEST, _TREE_CELLS // len(holdout.features)))
    picked = picked[np.unique(np.linspace(0, len(picked) - 1, most).round().astype(int))]
    inputs = [item for name in holdout.features for item in _inputs(name, holdout.features[name], picked)]
    if not inputs:
        return
    tree = DecisionTreeRegressor(max_depth=_DEPTH, min_samples_leaf=rows, random_state=0)
    tree.fit(np.column_stack([item.picked for item in inputs]), loss[picked])
    yield from _leaves(tree.tree_, inputs, holdout.features, ~learn)


@dataclass(frozen=True)
class _Input:
    """A column that the tree looks at: numbers, or the 0/1 of one `category`; `picked`: of the rows it learns on."""

    column: str
    category: Any
    picked: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """The input of each of the `values` of the column, float32, [rows]; a missing number lies below all others."""
        if self.category is not None:
            return np.asarray(values == self.category).astype(np.float32)
        limit = np.finfo(np.float32).max
        numbers = np.clip(values.astype(np.float64), -limit, limit)
        return np.where(np.isnan(numbers), -limit, numbers).astype(np.float32)

    def words(self, edge: float) -> tuple[str, str]:
        """The rows on the left and on the right of `edge`."""
        if self.category is not None:
            return f"{self.column} ≠ {self.category}", f"{self.column} = {self.category}"
        return f"{self.column} ≤ {edge:.4g}", f"{self.column} > {edge:.4g}"


def _inputs(column: str, values: np.ndarray, picked: np.ndarray) -> Iterator[_Input]:
    categories: list[Any] = [None]
    if values.dtype == object:
        codes, distinct = pd.factorize(values, use_na_sentinel=True)
        counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
        categories = [distinct[code] for code in np.argsort(-counts, kind="stable")[:_ONE_HOT]]
    for category in categories:
        item = _Input(column, category, np.empty(0))
        yield replace(item, picked=item.of(values[picked]))


def _leaves(
    tree: Any, inputs: Sequence[_Input], features: Columns, within: np.ndarray, node: int = 0, path: str = ""
) -> Iterator[tuple[str, np.ndarray]]:
    """Each leaf below `node` in words, and which of the rows `within`, [rows], come to it."""
    if tree.children_left[node] == tree.children_right[node]:
        if path:
            yield path, within
        return
    item, edge = inputs[tree.feature[node]], tree.threshold[node]
    left = item.of(features[item.column]).astype(np.float64) <= edge
    for child, word, mask in zip(
        (tree.children_left[node], tree.children_right[node]), item.words(edge), (left, ~left), strict=True
    ):
        yield from _leaves(tree, inputs, features, within & mask, int(child), f"{path}, {word}" if path else word)


# Where slices come from, and in which order: each gives names and masks. All but the declared ones may be switched off.
ORIGINS: dict[str, Callable[[_Holdout], Iterator[tuple[str, np.ndarray]]]] = {
    "declared": _cuts,
    "found": _columns,
    "searched": _searched,
}
