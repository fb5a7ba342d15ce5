"""Parts of the holdout with a name: those that params.yaml declares, and those worth a look that nobody declared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.tree import DecisionTreeRegressor

from artifact.signature import label_text
from pipeline.params.evaluate import Cut, Slices

_CATEGORIES = 20  # of a column, the most frequent first
_PARTS = 4  # of a column of numbers, equally filled
_DEPTH = 2
_TREE_ROWS = 20_000
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
class _Holdout:
    """The held-out rows as a frame of the features and as columns with the target, their loss, and what is declared."""

    frame: pd.DataFrame
    columns: Mapping[str, np.ndarray]
    loss: np.ndarray
    settings: Slices


def of(frame: pd.DataFrame, target: tuple[str, np.ndarray] | None, loss: np.ndarray, settings: Slices) -> list[Slice]:
    """The slices of `frame` ([rows, features]) with at least `settings.rows` rows, declared ones first.

    `target` is its name and values for a classification, whose classes are slices as well. `loss` ([rows]) is what the
    search is after: a tree of depth 2 learns on every second row where it is high, and its leaves are slices of the
    other rows, so that what was picked for looking bad is not also judged by what made it look bad.
    """
    columns: dict[str, np.ndarray] = {str(name): values.to_numpy() for name, values in frame.items()}
    if target is not None:
        columns[target[0]] = target[1]
    holdout = _Holdout(frame, columns, loss, settings)
    kept: dict[bytes, Slice] = {}
    for origin, slices in ORIGINS.items():
        for name, mask in slices(holdout) if origin == "declared" or settings.found else ():
            if settings.rows <= mask.sum() < len(frame):
                # The same rows under two names are one slice.
                kept.setdefault(np.packbits(mask).tobytes(), Slice(name, origin, mask))
    return list(kept.values())


def quantile(confidence: float, slices: int, rows: int) -> float:
    """How many standard errors an interval reaches so that `slices` of them hold together: Student's t, Bonferroni."""
    return float(stats.t.ppf(1 - (1 - confidence) / (2 * max(slices, 1)), max(rows - 1, 1)))


def mean_interval(values: np.ndarray, confidence: float, slices: int) -> tuple[float, float, float]:
    """Mean of `values` and the ends of its interval, one of `slices` that hold together with `confidence`."""
    mean, count = float(values.mean()), len(values)
    error = float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf
    reach = quantile(confidence, slices, count) * error
    return mean, mean - reach, mean + reach


def _cuts(holdout: _Holdout) -> Iterator[tuple[str, np.ndarray]]:
    for cut in holdout.settings.cuts:
        yield from _at(cut, holdout.columns[cut.column])


def _columns(holdout: _Holdout) -> Iterator[tuple[str, np.ndarray]]:
    declared = {cut.column for cut in holdout.settings.cuts}
    for column, values in holdout.columns.items():
        if column not in declared:
            yield from _parts(column, values)


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
    if values.dtype in (object, bool) or len(np.unique(values[:_TREE_ROWS])) <= _PARTS:
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
    frame, loss, rows = holdout.frame, holdout.loss, holdout.settings.rows
    names, table = _numbers(frame)
    learn = np.arange(len(frame)) % 2 == 0
    if learn.sum() < 2 * rows or not names:
        return
    picked = np.flatnonzero(learn)
    picked = picked[np.unique(np.linspace(0, len(picked) - 1, min(len(picked), _TREE_ROWS)).round().astype(int))]
    tree = DecisionTreeRegressor(max_depth=_DEPTH, min_samples_leaf=rows, random_state=0)
    tree.fit(table[picked], loss[picked])
    leaf = tree.apply(table)
    for node, name in _leaves(tree.tree_, names):
        yield name, (leaf == node) & ~learn


def _numbers(frame: pd.DataFrame) -> tuple[list[tuple[str, bool]], np.ndarray]:
    """(name, whether it is the 0/1 of a category) of each column, and the columns as float32, [rows, columns].

    A missing number lies below all others.
    """
    names: list[tuple[str, bool]] = []
    columns = []
    for name, series in frame.items():
        values = series.to_numpy()
        if values.dtype == object:
            codes, distinct = pd.factorize(values, use_na_sentinel=True)
            counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
            for code in np.argsort(-counts, kind="stable")[:_ONE_HOT]:
                names.append((f"{name} = {distinct[code]}", True))
                columns.append((codes == code).astype(np.float32))
        else:
            limit = np.finfo(np.float32).max
            numbers = np.clip(values.astype(np.float64), -limit, limit)
            names.append((str(name), False))
            columns.append(np.where(np.isnan(numbers), -limit, numbers).astype(np.float32))
    return names, np.column_stack(columns) if columns else np.empty((len(frame), 0), dtype=np.float32)


def _leaves(tree: Any, names: list[tuple[str, bool]], node: int = 0, path: str = "") -> Iterator[tuple[int, str]]:
    if tree.children_left[node] == tree.children_right[node]:
        if path:
            yield node, path
        return
    name, category = names[tree.feature[node]]
    edge = tree.threshold[node]
    words = (name.replace(" = ", " ≠ ", 1), name) if category else (f"{name} ≤ {edge:.4g}", f"{name} > {edge:.4g}")
    for child, word in zip((tree.children_left[node], tree.children_right[node]), words, strict=True):
        yield from _leaves(tree, names, int(child), f"{path}, {word}" if path else word)


# Where slices come from, and in which order: each gives names and masks. All but the declared ones may be switched off.
ORIGINS: dict[str, Callable[[_Holdout], Iterator[tuple[str, np.ndarray]]]] = {
    "declared": _cuts,
    "found": _columns,
    "searched": _searched,
}
