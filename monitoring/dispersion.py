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


def of_bins(counts: np.ndarray, rows: np.ndarray) -> float:
    """φ ≥ 1 of all bins of one feature together, at the upper end of what the intervals allow.

    `counts` of `rows` in each interval, shapes [bins, intervals] and [intervals]. Where a window holds few clumps, φ of
    one bin is a guess, and the drift detector multiplies the factors of many windows and bins: a φ that is a quarter
    too small alarms on clumps. So the bins, which clump alike, are pooled, and 2.5 standard errors are added.
    """
    counts, rows = np.asarray(counts, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    there = rows > 0
    counts, rows = counts[:, there], rows[there]
    shares = counts.sum(axis=1, keepdims=True) / max(rows.sum(), 1.0)
    expected = rows * shares
    used = (shares > 0).ravel() & (shares < 1).ravel()
    if rows.size < 2 or not used.any():
        return 1.0
    each = ((counts - expected)[used] ** 2 / (expected * (1 - shares))[used]).mean(axis=0) * rows.size / (rows.size - 1)
    return max(1.0, float(each.mean() + 2.5 * each.std(ddof=1) / np.sqrt(rows.size)))


def _together(counts: np.ndarray, span: int) -> np.ndarray:
    """Sums over each `span` intervals; what is left at the end makes a shorter one."""
    counts = np.asarray(counts, dtype=np.float64)
    return np.add.reduceat(counts, range(0, counts.shape[-1], span), axis=-1) if counts.shape[-1] else counts
