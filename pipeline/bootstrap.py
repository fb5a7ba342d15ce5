"""Bootstrap intervals: the metrics on resamples of the holdout, drawn with replacement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.metrics import Metric
from pipeline.params import Bootstrap


def intervals(measures: Mapping[str, Metric], rows: int, settings: Bootstrap) -> dict[str, dict[str, Any]]:
    """Metric name → `value` on all `rows`, and `low` and `high` of the percentile interval.

    (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13.) Resamples on which a metric is not defined
    are left out of its interval; `value`, `low` and `high` are None where it is not defined at all.
    """
    generator = np.random.default_rng(settings.seed)
    drawn: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(settings.resamples):
        weights = np.bincount(generator.integers(0, rows, rows), minlength=rows).astype(np.float64)
        for name, measure in measures.items():
            drawn[name].append(measure(weights))
    tail = (1 - settings.confidence) / 2
    found = {}
    for name, measure in measures.items():
        defined = np.array([value for value in drawn[name] if np.isfinite(value)])
        low, high = np.quantile(defined, [tail, 1 - tail]) if len(defined) else (None, None)
        found[name] = {"value": _number(measure(np.ones(rows))), "low": _number(low), "high": _number(high)}
    return found


def _number(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
