"""Whether live losses, known once labels come back, are worse than the held-out ones promised: a sequential test.

Losses are between 0 and 1. Where their mean is at most m, each factor 1 + ν (loss - m) with 0 ≤ ν < 1/m has at most
mean 1, so that products over labels are test supermartingales, for losses of any distribution (betting: Waudby-Smith
and Ramdas, Estimating Means of Bounded Random Variables by Betting, JRSSB 2024; for a risk that shifts: Podkopaev and
Ramdas, Tracking the Risk of a Deployed Model, ICLR 2022). M ← (1 + M) e finds a change that comes late.
"""

from __future__ import annotations

import math

import numpy as np

from monitoring.canary import log_mean

ALARM = 1e5  # labels between false alarms, on average, at least
_STAKES = np.array([0.1, 0.25, 0.5, 0.75])  # parts of 1/m that are bet


def upper_bound(losses: float, rows: int, binary: bool, confidence: float = 0.99) -> float:
    """Of the mean loss, from its mean over `rows` held-out rows: Clopper and Pearson's for losses that are 0 or 1.

    For others in [0, 1]: the mean m at which Hoeffding's exp(-rows · KL(losses, m)) is 1 - `confidence`.
    """
    from scipy.optimize import brentq  # here, so that --help loads no scipy
    from scipy.special import rel_entr
    from scipy.stats import beta

    if losses >= 1:
        return 1.0
    if binary:
        return float(beta.ppf(confidence, losses * rows + 1, rows - losses * rows))

    def excess(bound: float) -> float:
        divergence = float(rel_entr(losses, bound) + rel_entr(1 - losses, 1 - bound))
        return rows * divergence + math.log1p(-confidence)

    least = max(losses, 1e-12)
    return float(brentq(excess, least, 1 - 1e-12)) if excess(1 - 1e-12) > 0 else 1.0


def log_m(losses: np.ndarray, bound: float) -> np.ndarray:
    """log M after each label, shape [labels]: `losses` in the order of their labels, against "the mean is ≤ bound"."""
    if not 0 < bound < 1:
        raise ValueError(f"a bound of the mean loss is between 0 and 1, not {bound}")
    clipped = np.clip(np.asarray(losses, dtype=np.float64), 0.0, 1.0)
    steps = np.log1p((_STAKES / bound) * (clipped[:, None] - bound))
    # M_t = Σ_s Π_(i=s..t) e_i = exp(L_t) Σ_s exp(-L_(s-1)), with L the running sum of log e.
    reached = np.cumsum(steps, axis=0)
    starts = np.logaddexp.accumulate(-(reached - steps), axis=0)
    return log_mean(reached + starts)
