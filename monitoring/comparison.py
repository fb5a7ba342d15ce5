"""Events on the canary and on the stable release, compared by a test that holds however often one looks.

In one interval there are N requests, n of them on the canary. m of the N are events (an error, say), x of them on the
canary. Where every request has the same chance of an event, whichever release answers it, x given the margins (N, n, m)
is hypergeometric. Where the odds of an event on the canary are ω times those on the stable release, it is Fisher's
noncentral hypergeometric distribution, P(x) = C(n,x) C(N-n,m-x) ω^x / Z(ω) with Z(ω) = Σ_k C(n,k) C(N-n,m-k) ω^k. So

    e = (λ/ω)^x · Z(ω) / Z(λ)

has mean 1 at ω; it has at most mean 1 at every smaller ω when λ > ω, and at every greater ω when λ < ω. The product of
e over intervals is a test supermartingale: by Ville's inequality it ever reaches 1/α with probability α at most,
whatever the traffic, the share of the canary, the time of day and the number of looks.

Z is summed, where Hoeffding's bound (1 + n/N (λ-1))^m stands in the literature: the bound is below 1 for λ and ω on one
side of 1, but not across it, as promotion needs (λ ≤ 1 < ω): there e would have a mean of 1.09 an interval at 300
requests and 15 events.

Sources: Fisher's noncentral hypergeometric distribution; Hoeffding, Probability Inequalities for Sums of Bounded Random
Variables, 1963, theorem 4; Lindon and Malek, Anytime-Valid Inference for Multinomial Count Data, NeurIPS 2022; Ville,
Étude critique de la notion de collectif, 1939.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_CELLS = 1 << 21  # terms of Z that are in memory at once


@dataclass(frozen=True)
class Counts:
    """Of one kind of event, by interval: arrays of one shape, [..., intervals], of whole numbers.

    `canary_events` of `canary` requests were events on the canary, `events` of `requests` on both releases together.
    """

    canary_events: np.ndarray
    canary: np.ndarray
    events: np.ndarray
    requests: np.ndarray

    @property
    def totals(self) -> tuple[int, int, int, int]:
        """The sums over all intervals: canary's events, canary's requests, stable's events, stable's requests."""
        x, n, m, total = (int(part.sum()) for part in (self.canary_events, self.canary, self.events, self.requests))
        return x, n, m - x, total - n


def log_factors(counts: Counts, odds: Sequence[float], tolerated: float = 1.0) -> np.ndarray:
    """log e of each interval for each of `odds` (λ) against `tolerated` (ω): shape [..., intervals, len(odds)].

    An interval without events, or with requests on one side only, says nothing: 0.
    """
    x, n, m, total = (
        np.asarray(part, dtype=np.int64).ravel()
        for part in (counts.canary_events, counts.canary, counts.events, counts.requests)
    )
    informative = np.flatnonzero((m > 0) & (m < total) & (n > 0) & (n < total))
    factors = np.zeros((len(x), len(odds)))
    if len(informative):
        margins = (n[informative], m[informative], total[informative])
        normal = log_normalisers(*margins, [*odds, tolerated])
        powers = x[informative, None] * (np.log(odds) - np.log(tolerated))
        factors[informative] = powers - normal[:, :-1] + normal[:, -1:]
    return factors.reshape(*np.shape(counts.requests), len(odds))


def log_vanished(counts: Counts) -> np.ndarray:
    """log e of "the canary has no such event at all": 1 / P(x = 0), or 0 (log -inf) once it has one. [..., intervals].

    It is the limit of `log_factors` for λ towards 0.
    """
    from scipy.special import gammaln  # here, so that --help loads no scipy

    n, m, total = counts.canary, counts.events, counts.requests
    rest = total - n
    possible = (m <= rest) & (m > 0)
    some = np.where(possible, m, 0)
    chance = gammaln(rest + 1) - gammaln(np.where(possible, rest - some, 0) + 1)
    chance = chance - gammaln(total + 1) + gammaln(total - some + 1)
    return np.where(counts.canary_events > 0, -np.inf, np.where(possible, -chance, 0.0))


def log_normalisers(n: np.ndarray, m: np.ndarray, total: np.ndarray, odds: Sequence[float]) -> np.ndarray:
    """log Z of each (n, m, N) for each of `odds`, less log C(N, m): shape [len(n), len(odds)]."""
    from scipy.special import gammaln

    least, most = np.maximum(0, m - (total - n)), np.minimum(n, m)
    width = most - least + 1
    log_factorial = gammaln(np.arange(int(total.max()) + 2, dtype=np.float64) + 1)
    result = np.empty((len(n), len(odds)))
    order = np.argsort(width)
    start = 0
    while start < len(order):
        # Rows of like width are summed together, so that a few long sums do not make all of them long.
        rows = order[start : start + max(1, _CELLS // int(width[order[min(start + 4096, len(order) - 1)]]))][:4096]
        start += len(rows)
        k = least[rows, None] + np.arange(int(width[rows].max()))
        beyond = k > most[rows, None]
        k = np.minimum(k, most[rows, None])
        there, events, all_of = n[rows, None], m[rows, None], total[rows, None]
        terms = (
            (log_factorial[there] - log_factorial[k] - log_factorial[there - k])
            + (log_factorial[all_of - there] - log_factorial[events - k] - log_factorial[all_of - there - events + k])
            - (log_factorial[all_of] - log_factorial[events] - log_factorial[all_of - events])
        )
        terms[beyond] = -np.inf
        for place, ratio in enumerate(odds):
            result[rows, place] = _log_sum(terms + k * np.log(ratio))
    return result


def _log_sum(terms: np.ndarray) -> np.ndarray:
    """log Σ exp along the last axis, which holds a finite term."""
    greatest = terms.max(axis=-1, keepdims=True)
    return np.asarray(greatest[..., 0] + np.log(np.exp(terms - greatest).sum(axis=-1)))
