"""What an engine is given and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

# Feature name → values of shape [rows], as `artifact.validation` makes them: float64 or int64, float64 0/1 for bool,
# object for text; missing values are NaN in each.
Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Prediction:
    """Answers for one table of columns.

    `values`: shape [rows]; labels in the target's own type, or float64 for a regression.
    `probabilities`: float64, shape [rows, classes], in the order of the signature; None where the model has none.
    """

    values: np.ndarray
    probabilities: np.ndarray | None

    def finite(self) -> np.ndarray:
        """Which rows have an answer, [rows]: finite probabilities, or a finite number; a label alone always is one."""
        if self.probabilities is not None:
            finite: np.ndarray = np.isfinite(self.probabilities).all(axis=1)
            return finite
        return np.isfinite(self.values) if self.values.dtype.kind == "f" else np.ones(len(self.values), dtype=bool)

    def part(self, start: int, end: int) -> Prediction:
        """The answers for rows `start` to `end`."""
        return Prediction(self.values[start:end], None if self.probabilities is None else self.probabilities[start:end])


class Runner(Protocol):
    """Predicts on columns made by `artifact.validation`."""

    def predict(self, columns: Columns) -> Prediction: ...


def rows(columns: Columns) -> int:
    """How many rows `columns` have."""
    return len(next(iter(columns.values())))
