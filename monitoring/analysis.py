"""The evidence on one canary, or on a release that has all traffic, and the decision that follows from it.

Pure functions of the counts: on the same grid of times they decide the same, whenever they run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitoring import canary, dispersion
from monitoring.canary import Action
from monitoring.comparison import Counts
from monitoring.live import Answers, Live, compared
from monitoring.thresholds import ROLL_BACK, Thresholds

NOT_WORSE = "not worse"
_ANSWERS = 20  # after which predictions have to be counted


@dataclass(frozen=True)
class Test:
    """One kind of evidence: `log_e` after each interval, the E that decides, and the counts behind it in words."""

    name: str
    log_e: np.ndarray
    decides: float
    counts: str

    @property
    def reached(self) -> bool:
        """Whether E ever reached the value that decides."""
        return bool(self.log_e.size) and float(self.log_e.max()) >= np.log(self.decides)

    @property
    def greatest(self) -> float:
        """The greatest log E so far; 0 before the first interval."""
        return max(0.0, float(self.log_e.max())) if self.log_e.size else 0.0

    def __str__(self) -> str:
        last = float(self.log_e[-1]) if self.log_e.size else 0.0
        before = f", {number(self.greatest)} before" if self.reached and last < np.log(self.decides) else ""
        return f"{self.counts}; E {number(last)}{before} of {self.decides:.0f}"


@dataclass(frozen=True)
class Evidence:
    """What a canary is decided from. `silent`: seconds since the last request of each release; None when it had none.

    `unseen`: the canary answers requests, but its predictor has no counts, while the stable release's has.
    """

    requests: tuple[int, int]  # canary, stable
    harm: tuple[Test, ...]
    different: Test | None
    not_worse: Test
    silent: tuple[float | None, float | None]  # canary, stable
    unseen: bool

    @property
    def tests(self) -> tuple[Test, ...]:
        """All of them."""
        return (*self.harm, *((self.different,) if self.different else ()), self.not_worse)


@dataclass(frozen=True)
class Moment:
    """Where the canary stands: its percentage and the one it began with, and seconds since each began."""

    percent: int
    first_percent: int
    seconds: float
    seconds_here: float


@dataclass(frozen=True)
class Decision:
    """What follows: an Action, why, and `to` which percentage it advances.

    `harm`: the release is taken back because it was proved worse, not because it is late. `missing`: it is held because
    there is no data.
    """

    action: Action
    why: str
    to: int | None = None
    harm: bool = False
    missing: bool = False


def examine(live: Live, thresholds: Thresholds) -> Evidence:
    """The evidence on a canary beside the stable release."""
    candidate, stable, history = live.canary, live.stable, live.history
    errors = compared((candidate.errors, candidate.requests), (stable.errors, stable.requests))
    phi = float(dispersion.factor(history.errors, history.requests))
    clumps = f", divided by {phi:.2f} for clumps" if phi > 1 else ""
    harm = [Test("errors", canary.worse(errors, dispersion=phi), canary.HARM["errors"], f"{_words(errors)}{clumps}")]
    edges = live.edges()
    if edges:
        slow = [
            compared((candidate.slower[edge], candidate.timed), (stable.slower[edge], stable.timed)) for edge in edges
        ]
        phis = [float(dispersion.factor(history.slower[edge], history.timed)) for edge in edges]
        words = "; ".join(f"over {edge * 1000:g} ms {_words(each)}" for edge, each in zip(edges, slow, strict=True))
        evidence = canary.slower(slow, thresholds.latency_ratio, phis)
        harm.append(Test("latency", evidence, canary.HARM["latency"], words))
    named, bins, phis = _bins(candidate, stable, history)
    different = None
    if bins:
        classes = [place for place, name in enumerate(named) if name != REFUSED]
        gone = canary.vanished([bins[place] for place in classes], [phis[place] for place in classes])
        absent = [named[place] for place in classes if bins[place].totals[0] == 0 and bins[place].totals[2]]
        words = f"absent: {', '.join(absent)}" if absent else "none"
        harm.append(Test("vanished", gone, canary.HARM["vanished"], words))
        words = ", ".join(f"{name} {_words(each)}" for name, each in zip(named, bins, strict=True))
        different = Test("predictions", canary.different(bins, phis), canary.DIFFERENT, words)
    fine = canary.not_worse(errors, thresholds.error_rate, thresholds.error_ratio, phi)
    return Evidence(
        requests=(int(candidate.requests.sum()), int(stable.requests.sum())),
        harm=tuple(harm),
        different=different,
        not_worse=Test(NOT_WORSE, fine, canary.PROMOTE, _words(errors)),
        silent=(_silent(candidate.requests, live.grid.step), _silent(stable.requests, live.grid.step)),
        unseen=bool(
            candidate.requests.sum() - candidate.errors.sum() >= _ANSWERS
            and stable.rows.sum()
            and not candidate.rows.sum()
        ),
    )


def decide(evidence: Evidence, thresholds: Thresholds, moment: Moment) -> Decision:
    """The decision on a canary, from its evidence."""
    least = thresholds.least_minutes * 60
    deadline = thresholds.deadline(moment.first_percent)
    missing = _missing(evidence, thresholds, moment)
    harm = [test for test in evidence.harm if test.reached]
    differs = evidence.different is not None and evidence.different.reached
    if differs and thresholds.predictions == ROLL_BACK and evidence.different:
        harm.append(evidence.different)
    asks = differs and not harm
    there = moment.seconds_here >= least and not asks
    further = [step for step in thresholds.steps if step > moment.percent]
    action = Action(
        int(
            canary.choose(
                harm=bool(harm),
                missing=missing is not None,
                fine=there and evidence.not_worse.reached,
                enough=there and bool(further) and evidence.not_worse.greatest >= np.log(canary.ADVANCE),
                late=moment.seconds >= deadline,
            )
        )
    )
    if action == Action.WAIT and asks:
        action = Action.HOLD
    proof = f"not worse: {evidence.not_worse}"
    match action:
        case Action.ROLL_BACK:
            late = f"not decided in {deadline / 3600:.1f} h: {proof}"
            return Decision(action, "; ".join(f"{test.name}: {test}" for test in harm) or late, harm=bool(harm))
        case Action.HOLD if missing is not None:
            return Decision(action, missing, missing=True)
        case Action.HOLD:
            return Decision(action, f"its predictions differ, promote or roll back by hand: {evidence.different}")
        case Action.PROMOTE:
            return Decision(action, proof)
        case Action.ADVANCE:
            return Decision(action, f"{proof}, {canary.ADVANCE:.0f} for a greater share", further[0])
        case _:
            return Decision(action, f"{proof}; {(deadline - moment.seconds) / 3600:.1f} h are left")


def _missing(evidence: Evidence, thresholds: Thresholds, moment: Moment) -> str | None:
    """Which data are missing, in one sentence; None when none are."""
    shares = (("canary", moment.percent), ("stable release", 100 - moment.percent))
    for (name, percent), silent in zip(shares, evidence.silent, strict=True):
        since, silence = moment.seconds if silent is None else silent, thresholds.silence(percent)
        if since >= silence:
            usual = f"{since / 60:.0f} min, at most {silence / 60:.0f} are usual"
            return f"no request of the {name} was counted for {usual}: is it scraped?"
    if evidence.unseen:
        return "the canary answers, and its predictor counts no prediction: is it scraped?"
    return None


def bake(now: Answers, before: Answers, thresholds: Thresholds) -> tuple[Test, Decision]:
    """The decision on a release that has all traffic: it is taken back when its errors pass the limit. `before`: the
    release that had the traffic before.

    With a share of 100 % nothing is left to compare with: latency and predictions are not judged here.
    """
    phi = float(dispersion.factor(before.errors, before.requests))
    evidence = canary.over_limit(now.errors, now.requests, thresholds.error_rate, phi)
    counts = f"{now.errors.sum():,.0f} of {now.requests.sum():,.0f}, the limit is {100 * thresholds.error_rate:g} %"
    test = Test("errors", evidence, canary.HARM["errors"], counts)
    action = Action.ROLL_BACK if test.reached else Action.WAIT
    return test, Decision(action, f"errors: {test}", harm=test.reached)


def number(log_e: float) -> str:
    """E for people."""
    return f"{np.exp(log_e):,.2f}" if log_e < np.log(1000) else f"10^{log_e / np.log(10):.1f}"


REFUSED = "refused (4xx)"


def _bins(candidate: Answers, stable: Answers, history: Answers) -> tuple[list[str], list[Counts], list[float]]:
    """Each class or bin of the predictions, and refusals as one of them; with the dispersion of each."""
    nothing = np.zeros(len(candidate.rows))
    every = sorted({*candidate.predicted, *stable.predicted})
    names = [name for name in every if any(each.predicted.get(name, nothing).sum() for each in (candidate, stable))]
    if not names:
        return [], [], []
    never = np.zeros(len(history.rows))
    pairs = [
        (
            candidate.predicted.get(name, nothing),
            stable.predicted.get(name, nothing),
            history.predicted.get(name, never),
        )
        for name in names
    ]
    bins = [compared((x, candidate.rows), (y, stable.rows)) for x, y, _ in pairs]
    phis = [float(dispersion.factor(rows, history.rows)) for *_, rows in pairs]
    bins.append(compared((candidate.refused, candidate.requests), (stable.refused, stable.requests)))
    phis.append(float(dispersion.factor(history.refused, history.requests)))
    return [*names, REFUSED], bins, phis


def _words(counts: Counts) -> str:
    x, n, y, others = counts.totals
    return f"{x:,} of {n:,} beside {y:,} of {others:,}"


def _silent(requests: np.ndarray, step: float) -> float | None:
    """Seconds from the last interval with a request to the end."""
    there = np.flatnonzero(requests)
    return None if not len(there) else float((len(requests) - 1 - there[-1]) * step)
