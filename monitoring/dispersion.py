"""How much more than chance alone counts vary, because events come in clumps: retries, one bad client, a batch of rows.

A test that takes each request for an independent one alarms far too often then: errors in clumps of five, 42 % false
rollbacks. The remedy divides log E by the factor below; E^(1/φ) is a test supermartingale where E is one, for φ ≥ 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SPANS = (1, 5)  # intervals that are counted together: a clump of retries may last longer than one


def factor(events: np.ndarray, requests: np.ndarray, spans: Sequence[int] = _SPANS) -> np.ndarray:
    """φ ≥ 1: variance of the counts of events over what it is for independent requests; 1 without two intervals.

    `events` of `requests` in each interval, shape [..., intervals]; shape [...] comes back. It is Pearson's χ² of a
    constant rate over its degrees of freedom, so that traffic that changes by the hour is no clump; the greatest over
    `spans`. For intervals of equal size this is the variance over the mean of the counts, less the rate's own part.
    """
    factors = [_pearson(_together(events, span), _together(requests, span)) for span in spans]
    return np.asarray(np.maximum(1.0, np.maximum.reduce(factors)))


def _pearson(events: np.ndarray, requests: np.ndarray) -> np.ndarray:
    requested = requests > 0
    every = requests.sum(axis=-1, keepdims=True)
    rate = events.sum(axis=-1, keepdims=True) / np.maximum(every, 1)
    variance = requests * rate * (1 - rate)
    chi2 = np.where(variance > 0, (events - requests * rate) ** 2 / np.where(variance > 0, variance, 1), 0.0)
    freedom = requested.sum(axis=-1) - 1
    return np.asarray(np.where(freedom > 0, chi2.sum(axis=-1) / np.maximum(freedom, 1), 1.0))


def _together(counts: np.ndarray, span: int) -> np.ndarray:
    """Sums over each `span` intervals; what is left at the end makes a shorter one."""
    counts = np.asarray(counts, dtype=np.float64)
    return np.add.reduceat(counts, range(0, counts.shape[-1], span), axis=-1) if counts.shape[-1] else counts
