"""When two answers are the same: labels when they are identical, numbers when they are within 1e-6.

Probabilities are compared absolutely; other numbers relative to the answer, or to the mean size of all answers where
that is larger, since an answer near zero has no relative precision of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact.prediction import PROBABILITIES

TOLERANCE = 1e-6
LABELS = ("label", "labels", "outlier")  # outputs that are identical or different


def differing(output: str, before: Any, now: Any, tolerance: float = TOLERANCE, usual: Any = None) -> np.ndarray:
    """Rows (numbers from 0) whose answers for `output` differ; `before` and `now` are [rows] or [rows, columns].

    `usual`: the mean size of the answers, a number or [columns], where it is not that of `before`: one huge answer
    would excuse all others.
    """
    if output in LABELS:
        pairs = zip(before, now, strict=True)
        return np.flatnonzero([old != new or type(old) is not type(new) for old, new in pairs])
    first, second = np.asarray(before, dtype=np.float64), np.asarray(now, dtype=np.float64)
    scale: Any = 1.0
    if output != PROBABILITIES:
        scale = np.maximum(np.abs(first), mean_size(first) if usual is None else usual)
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(second - first) <= tolerance * scale)
    return np.flatnonzero(wrong.reshape(len(first), -1).any(axis=1))


def mean_size(values: np.ndarray) -> Any:
    """The mean of absolute `values`, [rows] or [rows, columns]: a number, or [columns]."""
    return np.abs(values).mean(axis=0)
