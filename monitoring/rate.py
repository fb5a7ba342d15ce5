"""The rate of one release's events against a rate that is fixed: a test that holds however often one looks.

Of n requests x were events. Where the chance of an event is p0, e = (q/p0)^x ((1-q)/(1-p0))^(n-x) has mean 1. For
q < p0 it has at most mean 1 at every greater chance, for q > p0 at every smaller one. Products over intervals are test
supermartingales (Ville 1939), as in monitoring.comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def log_factors(events: np.ndarray, requests: np.ndarray, rates: Sequence[float], limit: float) -> np.ndarray:
    """log e of each interval for each of `rates` (q) against `limit` (p0): shape [..., intervals, len(rates)].

    `events`, `requests`: whole numbers, shape [..., intervals]; the rates are between 0 and 1, ends excluded.
    """
    x, quiet = np.asarray(events)[..., None], (np.asarray(requests) - np.asarray(events))[..., None]
    q = np.asarray(rates, dtype=np.float64)
    return np.asarray(x * np.log(q / limit) + quiet * (np.log1p(-q) - np.log1p(-limit)))
