"""Bootstrap intervals: the metrics on resamples of the holdout, drawn with replacement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pipeline.params.evaluate import Bootstrap
from pipeline.params.measures import Metric

# Of a larger holdout this many rows, picked at random, tell the spread; the value is that of all rows. So the time is
# bounded whatever the holdout's size.
ROWS = 20_000

Measures = Callable[[np.ndarray], Mapping[str, Metric]]


def intervals(measures: Measures, rows: int, settings: Bootstrap) -> dict[str, dict[str, Any]]:
    """Metric name → `value` on all `rows`, and `low` and `high` of the percentile interval.

    `measures`: numbers of rows → metric name → function of the weights of these rows. The method: Efron and
    Tibshirani, An Introduction to the Bootstrap, chapter 13; beyond ROWS the spread of m rows is scaled by √(m/n):
    Bickel, Götze and van Zwet, 1997.
    Resamples on which a metric is not defined are left out of its interval; `value`, `low` and `high` are None where it
    is not defined at all. For a paired comparison, `measures` gives differences of two models' metrics.
    """
    generator = np.random.default_rng(settings.seed)
    values = {name: measure(np.ones(rows)) for name, measure in measures(np.arange(rows)).items()}
    drawn_from = np.arange(rows) if rows <= ROWS else np.sort(generator.choice(rows, ROWS, replace=False))
    resampled = measures(drawn_from)
    count = len(drawn_from)
    drawn: dict[str, list[float]] = {name: [] for name in resampled}
    for _ in range(settings.resamples):
        weights = np.bincount(generator.integers(0, count, count), minlength=count).astype(np.float64)
        for name, measure in resampled.items():
            drawn[name].append(measure(weights))
    tail = (1 - settings.confidence) / 2
    ends = {}
    for name, value in values.items():
        defined = np.array([value for value in drawn[name] if np.isfinite(value)])
        if rows > ROWS and len(defined):
            defined = value + (defined - resampled[name](np.ones(count))) * np.sqrt(count / rows)
        low, high = np.quantile(defined, [tail, 1 - tail]) if len(defined) else (None, None)
        ends[name] = {"value": number(value), "low": number(low), "high": number(high)}
    return ends


def number(value: Any) -> float | None:
    """A float that JSON can hold; None for what is not finite."""
    return float(value) if value is not None and np.isfinite(value) else None
