"""Metrics in which each held-out row counts as much as data.weight says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from pipeline.params.measures import Metric

Measures = Callable[[np.ndarray], Mapping[str, Metric]]


def weighed(measures: Measures, weights: np.ndarray | None) -> Measures:
    """`measures` with rows counted by `weights`, [rows] of the holdout; None: all alike."""
    if weights is None:
        return measures
    row_weights = weights

    def of_rows(rows: np.ndarray) -> Mapping[str, Metric]:
        return {name: _times(measure, row_weights[rows]) for name, measure in measures(rows).items()}

    return of_rows


def _times(measure: Metric, weights: np.ndarray) -> Metric:
    return lambda drawn: measure(drawn * weights)
