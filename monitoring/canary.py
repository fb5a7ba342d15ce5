"""What the counts of a canary prove, and what is to be done: advance, promote, hold or roll back.

Each function takes counts by interval, shape [..., intervals], and gives log E after each interval, of the same shape.
Errors may take back a good canary in 3 % of canaries, latency in 1 %, vanished classes in 1 %, however often one looks;
a canary whose rate of errors is `limit` or more, and `ratio` times the stable release's or more, is promoted in 1 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from monitoring import comparison, rate
from monitoring.comparison import Counts

HARM = {"errors": 1 / 0.03, "latency": 1 / 0.01, "vanished": 1 / 0.01}  # E at which a canary is taken back
DIFFERENT = 1 / 0.01  # E of predictions at which a person is asked
PROMOTE = 100.0  # E of "not worse" at which all traffic follows
ADVANCE = 10.0  # ... and at which a greater share does
WORSE = (1.5, 2.0, 3.0, 5.0, 10.0)  # odds against the stable release's, mixed
EITHER = (1 / 4, 1 / 2, 2 / 3, 0.8, 1.25, 1.5, 2.0, 4.0)
BETTER = (0.25, 0.5, 0.75, 1.0)
_PARTS = (0.05, 0.1, 0.25, 0.5)  # of the limit
_MOST = 0.95


class Action(IntEnum):
    """What a canary gets next. WAIT: nothing is decided yet; HOLD: something is wrong, and a person should look."""

    WAIT = 0
    HOLD = 1
    ADVANCE = 2
    PROMOTE = 3
    ROLL_BACK = 4


def worse(counts: Counts, tolerated: float = 1.0, dispersion: float | np.ndarray = 1.0) -> np.ndarray:
    """Against "the odds of an event on the canary are at most `tolerated` times the stable release's"."""
    odds = [factor * max(tolerated, 1.0) for factor in WORSE]
    return mixed(comparison.log_factors(counts, odds, tolerated), dispersion)


def slower(edges: Sequence[Counts], tolerated: float, dispersions: Sequence[float]) -> np.ndarray:
    """`worse` of "slower than this edge", the mean over the edges."""
    return mean([worse(edge, tolerated, phi) for edge, phi in zip(edges, dispersions, strict=True)])


def different(bins: Sequence[Counts], dispersions: Sequence[float]) -> np.ndarray:
    """Against "each bin of predictions has the same odds on both releases": the mean over bins, two-sided."""
    return mean(
        [mixed(comparison.log_factors(counts, EITHER), phi) for counts, phi in zip(bins, dispersions, strict=True)]
    )


def vanished(bins: Sequence[Counts], dispersions: Sequence[float]) -> np.ndarray:
    """The same against the one alternative that a bin never occurs on the canary."""
    each = [np.cumsum(comparison.log_vanished(counts), axis=-1) for counts in bins]
    return mean([factors / phi for factors, phi in zip(each, dispersions, strict=True)])


def not_worse(counts: Counts, limit: float, ratio: float, dispersion: float | np.ndarray = 1.0) -> np.ndarray:
    """Against "the canary's rate is `limit` or more, and its odds are `ratio` times the stable release's or more"."""
    alone = rate.log_factors(counts.canary_events, counts.canary, [part * limit for part in _PARTS], limit)
    beside = comparison.log_factors(counts, BETTER, ratio)
    return mean([mixed(alone, dispersion), mixed(beside, dispersion)])


def over_limit(events: np.ndarray, requests: np.ndarray, limit: float, dispersion: float = 1.0) -> np.ndarray:
    """Against "the rate is at most `limit`", for a release that has all traffic and nothing to compare it with."""
    rates = [min(_MOST, factor * limit) for factor in WORSE]
    return mixed(rate.log_factors(events, requests, rates, limit), dispersion)


def choose(
    *,
    harm: np.ndarray | bool,
    missing: np.ndarray | bool,
    fine: np.ndarray | bool,
    enough: np.ndarray | bool,
    late: np.ndarray | bool,
) -> np.ndarray:
    """The Action for each element, by the first that holds: arrays of truth values of one shape.

    `harm`: a release was proved worse; `missing`: no data to decide from, which holds even past the deadline; `fine`:
    proved not worse at PROMOTE; `enough`: at ADVANCE, and its least time is over; `late`: past the deadline.
    """
    conditions = [harm, missing, fine, enough, late]
    actions = [Action.ROLL_BACK, Action.HOLD, Action.PROMOTE, Action.ADVANCE, Action.ROLL_BACK]
    return np.select([np.asarray(condition) for condition in conditions], actions, Action.WAIT)


def mixed(factors: np.ndarray, dispersion: float | np.ndarray = 1.0) -> np.ndarray:
    """log of the mean, over the last axis, of the products along the intervals, divided by the dispersion."""
    return log_mean(np.cumsum(factors, axis=-2)) / np.asarray(dispersion, dtype=np.float64)[..., None]


def mean(evidence: Sequence[np.ndarray]) -> np.ndarray:
    """log of the mean of several E, each given as its log."""
    return log_mean(np.stack(evidence, axis=-1))


def log_mean(logs: np.ndarray) -> np.ndarray:
    """log of the mean of exp(logs) over the last axis; -inf where all are."""
    greatest = logs.max(axis=-1, keepdims=True)
    finite = np.where(np.isfinite(greatest), greatest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(finite[..., 0] + np.log(np.exp(logs - finite).mean(axis=-1)))
