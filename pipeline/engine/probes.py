"""Rows that make two engines differ where they can: training and held-out rows, and edge rows made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifact.golden import UNSEEN
from artifact.prediction import Columns, lots, rows
from artifact.signature import Feature, Signature
from artifact.validation.column import LARGEST, number_bounds
from pipeline.engine import neighbours
from pipeline.shared.stored_columns import beginning

TRAINING = 10_000  # training rows at most, evenly spaced
_VARIED = 64  # held-out rows that are varied
_ALONE = 4096  # rows with one extreme in one column, evenly spaced where there would be more
_TOGETHER = 256  # rows with extremes in several columns at once
_CATEGORIES = 64  # seen categories of a text or a whole number, one row each
_NUMBERS = (0.0, -0.0, 5e-324, 1e-40, 1.0, -1.0, 1e5, -1e5, 16777217.0, 1e10, -1e10, 1e20, -1e20, LARGEST, -LARGEST)


@dataclass(frozen=True)
class Probes:
    """Rows to compare engines on: some of training, all that are held out, and `edge_cases` ones.

    `rows`: how many of each kind. `training`: how many training rows there are. `splits`: of how many splits of trees
    both sides are among the rows, and how many splits there are.
    """

    trained: Columns
    held_out: Columns
    edge_cases: Columns
    rows: Mapping[str, int]
    training: int
    splits: tuple[int, int]

    @classmethod
    def of(cls, signature: Signature, fitted: Any, train: Columns, holdout: Columns) -> Probes:
        """Training rows (a sample), all held-out rows, and what is made of them:

        numbers moved to the next ones that float32 and float64 do and do not have; each number at the ends of its range
        and of what training saw, denormal, beyond 2^24 and, without a range, up to what a caller may send; such
        extremes in several columns at once; each value missing or never seen; and both sides of the trees' splits.
        """
        some, few, extremes = dict[str, np.ndarray](), dict[str, np.ndarray](), dict[str, list[Any]]()
        for feature in signature.inputs:  # each column is read once
            column = train[feature.name]
            some[feature.name] = column[_spaced(column, TRAINING)]
            few[feature.name] = column[_spaced(column, _TOGETHER)]
            extremes[feature.name] = _extremes(feature, column)
        first = beginning(holdout, _VARIED)
        edges = [_moved(signature, first, way) for way in (_up, _down, _rounded, _between)]
        edges.append(_one_by_one(signature, first, extremes))
        edges.append(_together(signature, few, extremes))
        beside = neighbours.of(signature, fitted, some)
        counts = {
            "training": rows(some),
            "held out": rows(holdout),
            "extremes": sum(map(rows, edges)),
            "beside splits": rows(beside.table),
        }
        return cls(
            trained=some,
            held_out=holdout,
            edge_cases=_stacked(signature, [*edges, beside.table]),
            rows=counts,
            training=rows(train),
            splits=(beside.tried, beside.present),
        )

    @property
    def real(self) -> int:
        """How many rows are of training or held out; they come first."""
        return self.rows["training"] + self.rows["held out"]

    def lots(self) -> Iterator[Columns]:
        """All rows, a lot at a time."""
        yield self.trained
        yield from lots(self.held_out)
        yield self.edge_cases

    def row_text(self, row: int) -> str:
        """The row with this number in words, for a reason."""
        first = 0
        for lot in self.lots():
            if row < first + rows(lot):
                break
            first += rows(lot)
        text = ", ".join(f"{name} = {values[row - first]}" for name, values in list(lot.items())[:6])
        return text if len(lot) <= 6 else f"{text}, …"


def _spaced(column: np.ndarray, most: int) -> np.ndarray:
    """The places of at most `most` values of `column`, evenly spaced."""
    return np.unique(np.linspace(0, len(column) - 1, min(most, len(column))).round().astype(int))


def _stacked(signature: Signature, parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in signature.names}


def _moved(signature: Signature, first: Columns, way: Callable[[np.ndarray], np.ndarray]) -> Columns:
    moved = dict(first)
    for feature in signature.inputs:
        if feature.dtype == "float64":
            low, high = number_bounds(feature)
            moved[feature.name] = np.clip(way(first[feature.name]), low, high)
    return moved


def _up(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.nextafter(values, np.inf))


def _down(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.nextafter(values, -np.inf))


def _rounded(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).astype(np.float64)


def _between(values: np.ndarray) -> np.ndarray:
    near = values.astype(np.float32)
    return (near.astype(np.float64) + np.nextafter(near, np.float32(np.inf)).astype(np.float64)) / 2


def _one_by_one(signature: Signature, first: Columns, extremes: Mapping[str, list[Any]]) -> Columns:
    pairs = [(name, value) for name in signature.names for value in extremes[name]]
    some = np.unique(np.linspace(0, len(pairs) - 1, min(_ALONE, len(pairs))).round().astype(int)).tolist()
    table = {name: np.repeat(values[:1], len(some)) for name, values in first.items()}
    for row, pair in enumerate(some):
        name, value = pairs[pair]
        table[name][row] = value
    return table


def _together(signature: Signature, base: Columns, extremes: Mapping[str, list[Any]]) -> Columns:
    """Rows of `base` in which about every second value is an extreme; in the first two all are, the last and the first.

    The same rows each time.
    """
    random = np.random.default_rng(0)
    table = {}
    for name in signature.names:
        values = np.array(extremes[name], dtype=base[name].dtype)
        drawn = values[random.integers(0, len(values), rows(base))]
        table[name] = np.where(random.random(rows(base)) < 0.5, drawn, base[name])
        table[name][:2] = values[[-1, 0]][: rows(base)]
    return table


def _extremes(feature: Feature, column: np.ndarray) -> list[Any]:
    """The values of a column at which engines differ; the least and the greatest come first and last of numbers."""
    missing = [np.nan] if feature.nullable else []
    present = column[column == column]
    if feature.dtype == "string":
        texts = sorted(set(present.tolist()))[:_CATEGORIES]
        return [*missing, *([*texts, UNSEEN, ""] if feature.categories is None else feature.categories)]
    if feature.dtype == "bool":
        return [*missing, 0.0, 1.0]
    if feature.dtype == "int64" and feature.categories is not None:
        return [*missing, *feature.categories]
    low, high = number_bounds(feature)
    ends = [float(end) for end in (present.min(), present.max())] if len(present) else []
    if feature.whole:
        few = np.unique(present)
        ends += few.tolist() if len(few) <= _CATEGORIES else []
        low, high = max(low, -(2.0**62)), min(high, 2.0**62)
    values = [float(value) for value in (*_NUMBERS, low, high, *ends) if low <= value <= high]
    if feature.whole:
        return sorted({int(value) for value in values if value == int(value)})
    if feature.dtype == "int64":
        values = [value for value in values if value.is_integer()]
    return [min(values), *missing, *values, max(values)]
