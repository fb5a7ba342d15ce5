"""Drift of live counts against the reference, with a stated time between false alarms.

For each bin, or event, r is its share of m rows in the reference. Its share is taken to be anywhere in
(r ± 3 standard errors) with a quarter of it tolerated, r⁺ = 1.25 (r + 3 se) and r⁻ = (r - 3 se) / 1.25. Of n live rows
in a window x are in the bin. e⁺ = mean over λ of (q/r⁺)^x ((1-q)/(1-r⁺))^(n-x) with q = λ r⁺ has at most mean 1 as long
as the share is at most r⁺; e⁻ mirrors it. Each stream is followed by M ← (1 + M) e (Shiryaev and Roberts). The alarm is
that the mean of all M reaches A: then at least A windows pass on average until a false one, for any number of streams,
dependent or not. Source: Shin, Ramdas and Rinaldo, E-detectors, New England Journal of Statistics in Data Science 2024.

Rows come in clumps (one client's batch): log e is divided by the variance ratio of the bin's counts between scrapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitoring.canary import log_mean

ALARM = 365.0  # windows between false alarms, on average
LEAST_ROWS = 2000  # of a window
TOLERATED = 1.25
_ERRORS = 3.0
_SHIFTS = np.array([1.25, 1.5, 2.0, 4.0])
_UPPER, _MOST = 0.999, 0.9995


@dataclass(frozen=True)
class Reference:
    """Shares that are expected, shape [streams], each estimated from that many rows, shape [streams]."""

    shares: np.ndarray
    rows: np.ndarray

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """r⁻ (0 where nothing less could be told) and r⁺."""
        r, m = np.asarray(self.shares, dtype=np.float64), np.asarray(self.rows, dtype=np.float64)
        error = np.sqrt(np.maximum(r * (1 - r), 1 / m) / m)
        return (
            np.maximum(0.0, (r - _ERRORS * error) / TOLERATED),
            np.minimum(_UPPER, TOLERATED * (r + _ERRORS * error)),
        )


def log_e(reference: Reference, counts: np.ndarray, rows: np.ndarray, dispersion: np.ndarray | float) -> np.ndarray:
    """log e⁺ and log e⁻ of one window: shape [..., streams, 2].

    `counts` of `rows` are in the bin of each stream, shape [..., streams]; `dispersion` as monitoring.dispersion gives.
    """
    low, high = (bound[..., None] for bound in reference.bounds)
    x, rest = np.asarray(counts)[..., None], (np.asarray(rows) - np.asarray(counts))[..., None]
    above = np.minimum(_MOST, high * _SHIFTS)
    more = x * np.log(above / high) + rest * (np.log1p(-above) - np.log1p(-high))
    some = np.where(low > 0, low, 0.5)
    fewer = -x * np.log(_SHIFTS) + rest * (np.log1p(-some / _SHIFTS) - np.log1p(-some))
    # Nothing can be fewer than none: that stream stays at M = 0. With e = 1 it would count windows until it alarms.
    both = np.stack([log_mean(more), np.where(low[..., 0] > 0, log_mean(fewer), -np.inf)], axis=-1)
    return np.asarray(both / np.asarray(dispersion, dtype=np.float64)[..., None])


def follow(log_m: np.ndarray, log_e: np.ndarray) -> np.ndarray:
    """log M after one more window: M ← (1 + M) e. It begins with M = 0, log -inf."""
    return np.asarray(np.logaddexp(0.0, log_m) + log_e)


def overall(log_m: np.ndarray) -> np.ndarray:
    """log of the mean of all M, over the last two axes: [..., streams, 2] → [...]."""
    return log_mean(log_m.reshape(*log_m.shape[:-2], -1))


def psi(reference: np.ndarray, live: np.ndarray) -> float:
    """Population stability index of `live` counts against `reference` counts, shape [bins] each.

    Half a row stands in for a bin that is empty on one side.
    """
    expected, actual = (np.maximum(np.asarray(counts, dtype=np.float64), 0.5) for counts in (reference, live))
    p, q = expected / expected.sum(), actual / actual.sum()
    return float(((q - p) * np.log(q / p)).sum())
