"""The accuracy that live traffic has if the model's confidence means what it meant on held-out rows (no labels needed).

Confidence-based performance estimation: the accuracy of each bin of confidence, made monotone (isotonic), weighted by
how often live answers fall into it. It is blind to concept drift, where the same confidence means another accuracy: it
ranks alarms and explains them, and never raises one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """Of each bin of confidence, from the least on, shape [bins]: held-out `rows`, and how many were `right`."""

    rows: np.ndarray
    right: np.ndarray

    @property
    def accuracies(self) -> np.ndarray:
        """Of each bin, never falling; a bin without rows has that of its neighbours."""
        rows = np.asarray(self.rows, dtype=np.float64)
        filled = rows > 0
        if not filled.any():
            raise ValueError("the reference of confidence has no rows")
        from scipy.optimize import isotonic_regression  # here, so that --help loads no scipy

        fitted = isotonic_regression(np.asarray(self.right)[filled] / rows[filled], weights=rows[filled]).x
        return np.asarray(np.interp(np.arange(len(rows)), np.flatnonzero(filled), fitted))


@dataclass(frozen=True)
class Estimate:
    """Accuracy, its standard error by the held-out rows, and what the same estimate says of those rows themselves."""

    accuracy: float
    error: float
    reference: float
    rows: int


def estimate(calibration: Calibration, live: np.ndarray) -> Estimate | None:
    """From the counts of live answers by bin of confidence, shape [bins]; None without any."""
    rows = int(np.sum(live))
    if not rows:
        return None
    accuracies = calibration.accuracies
    held_out = np.asarray(calibration.rows, dtype=np.float64)
    share = np.asarray(live, dtype=np.float64) / rows
    variance = accuracies * (1 - accuracies) / np.maximum(held_out, 1.0)
    return Estimate(
        accuracy=float(share @ accuracies),
        error=float(np.sqrt(share**2 @ variance)),
        reference=float(held_out / held_out.sum() @ accuracies),
        rows=rows,
    )
