"""What an engine is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np

from artifact import categorical
from artifact.categorical import CategoricalColumns

# Feature name → values of shape [rows], as `artifact.validation` makes them: float64 or int64; float64 0/1 for bool;
# float64 for an int64 that may be missing; float64 seconds since 1970 UTC for datetime and date; object for text.
# Missing values are NaN in each.
Columns = Mapping[str, np.ndarray]
PROBABILITIES = "probabilities"


@dataclass(slots=True, eq=False)
class Prediction:
    """Answers for one table of columns: an array for each output of the signature. Nobody changes one; it is not frozen
    because a frozen one takes twice as long to make, and each request makes some.

    `values`: the first output, shape [rows] or [rows, columns]; labels in the target's own type, else float64.
    `probabilities`: float64, shape [rows, classes], in the order of the signature; None where the model has none.
    `more`: the other outputs by name.
    """

    values: np.ndarray
    probabilities: np.ndarray | None = None
    more: Mapping[str, np.ndarray] = field(default_factory=dict)

    def array(self, output: str) -> np.ndarray:
        """The array of the output with this name, [rows] or [rows, columns]."""
        if output == PROBABILITIES and self.probabilities is not None:
            return self.probabilities
        return self.more.get(output, self.values)

    @property
    def arrays(self) -> list[np.ndarray]:
        """All arrays, the first output's first."""
        return [self.values, *([] if self.probabilities is None else [self.probabilities]), *self.more.values()]

    def finite(self) -> np.ndarray:
        """Which rows have an answer, [rows]: all their numbers are finite. A label alone always is one."""
        if self.probabilities is not None and not self.more:
            return _finite(self.probabilities)
        finite = np.ones(len(self.values), dtype=bool)
        for array in self.arrays:
            if array.dtype.kind == "f":
                finite &= _finite(array)
        return finite

    @property
    def all_finite(self) -> bool:
        """Whether each row has an answer; ten times as fast as `finite`, which says which."""
        for array in self.arrays:
            if array.dtype.kind == "f" and not np.logical_and.reduce(np.isfinite(array), axis=None):
                return False
        return True

    def changed(self, change: Callable[[np.ndarray], np.ndarray]) -> Prediction:
        """The same with `change` applied to each array."""
        return Prediction(
            change(self.values),
            None if self.probabilities is None else change(self.probabilities),
            {name: change(array) for name, array in self.more.items()},
        )

    def take(self, rows: Any) -> Prediction:
        """The answers for some rows: numbers from 0, a mask, or a slice."""
        return self.changed(lambda array: array[rows])

    def part(self, start: int, end: int) -> Prediction:
        """The answers for rows `start` to `end`."""
        return Prediction(
            self.values[start:end],
            None if self.probabilities is None else self.probabilities[start:end],
            {name: array[start:end] for name, array in self.more.items()} if self.more else self.more,
        )

    def parts(self, counts: Sequence[int]) -> list[Prediction]:
        """The answers for tables of so many rows each, which stand one behind the other here."""
        if len(counts) == 1:
            return [self]
        return [self.part(start, end) for start, end in pairwise(accumulate(counts, initial=0))]

    def with_rows(self, rows: np.ndarray, others: Prediction) -> Prediction:
        """The same with the answers of `others` in the rows with these numbers."""
        return Prediction(
            _replaced(self.values, rows, others.values),
            None if self.probabilities is None else _replaced(self.probabilities, rows, others.array(PROBABILITIES)),
            {name: _replaced(array, rows, others.more[name]) for name, array in self.more.items()},
        )

    def equals(self, other: Prediction) -> bool:
        """Whether every array is the same to the bit."""
        return len(self.arrays) == len(other.arrays) and all(map(np.array_equal, self.arrays, other.arrays))


class Runner(Protocol):
    """Predicts on columns made by `artifact.validation`."""

    def predict(self, columns: Columns) -> Prediction:
        """The answers for `columns`, feature → [rows]; it may raise whatever its library raises."""


@runtime_checkable
class InLots(Protocol):
    """Columns of a table that is larger than memory may be: it gives its rows a lot at a time, in their order."""

    def lots(self) -> Iterator[Columns]: ...


def rows(columns: Columns) -> int:
    """How many rows `columns` have."""
    return columns.rows if type(columns) is CategoricalColumns else len(next(iter(columns.values())))


def joined(tables: Sequence[Columns]) -> Columns:
    """The rows of all `tables`, one behind the other; `Prediction.parts` takes their answers apart again."""
    return tables[0] if len(tables) == 1 else categorical.joined(tables)


def lots(columns: Columns) -> Iterator[Columns]:
    """The rows of `columns` in their order: a lot at a time where the table has lots, all at once otherwise."""
    if isinstance(columns, InLots):
        yield from columns.lots()
    else:
        yield columns


def together(parts: Sequence[Prediction]) -> Prediction:
    """One answer for the tables of `parts`, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    return Prediction(
        np.concatenate([part.values for part in parts]),
        np.concatenate(probabilities) if probabilities else None,
        {name: np.concatenate([part.more[name] for part in parts]) for name in parts[0].more},
    )


def _finite(array: np.ndarray) -> np.ndarray:
    finite: np.ndarray = np.isfinite(array)
    if finite.ndim > 1:
        finite = np.logical_and.reduce(finite, axis=1)
    return finite


def _replaced(array: np.ndarray, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    array = array.copy()
    array[rows] = others
    return array
