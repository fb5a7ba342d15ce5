"""Two models on the same rows: the difference of a metric, resample by resample."""

from __future__ import annotations

import numpy as np

from pipeline.params import metrics
from pipeline.params.measures import Metric


def difference(entry: metrics.Entry, before: Metric, now: Metric) -> Metric:
    """Differences of the metric `entry`: positive where `now` is better than `before`, whichever way it goes."""
    sign = 1.0 if entry.more_is_better else -1.0
    return lambda weights: sign * (now(weights) - before(weights))


def remembering(measure: Metric) -> Metric:
    """The metric, with its last result cached: a difference computes the same two metrics again."""
    last: list[tuple[np.ndarray, float]] = []

    def remembered(weights: np.ndarray) -> float:
        if not last or last[0][0] is not weights:
            last[:] = [(weights, measure(weights))]
        return last[0][1]

    return remembered
