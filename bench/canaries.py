"""`python -m bench.canaries`: seeded canaries, decided by monitoring.canary and, beside it, by a threshold a minute.

The streams are made a minute at a time; the rules are the shipped ones. The threshold is what Flagger does with the two
metrics that are built into it (pkg/controller/scheduler_metrics.go): a minute passes when success rate and 99th
percentile of the canary are within limits; each pass gives it 10 % more, and after 50 % all of the traffic; ten
failures take it back; a minute without requests fails.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import norm

from monitoring import canary, comparison, dispersion, rate
from monitoring.canary import Action
from monitoring.comparison import Counts

MINUTE = 60.0
LIMIT, RATIO, SLOWER = 0.03, 3.0, 1.25  # as release.gitops.analysis has them
LEAST, DEADLINE, HISTORY = 10, 21 * 60, 24 * 60  # minutes
SHARES = (0.1, 0.5)
_SPREAD = 0.5  # of the logarithm of latency
_CLASSES = (0.5, 0.3, 0.2)
# Slower than the stable release's p50, p90 and p99, and than one and a half times its p99.
_EDGES = np.array([0.0, norm.ppf(0.9), norm.ppf(0.99), norm.ppf(0.99) + np.log(1.5) / _SPREAD]) * _SPREAD


@dataclass(frozen=True)
class Scenario:
    """What the canary is like beside a stable release with 1 % errors."""

    title: str
    errors: float = 0.01
    clump: int = 1
    slowdown: float = 1.0
    classes: Sequence[float] = _CLASSES


SCENARIOS = (
    Scenario("identical"),
    Scenario("5 % errors against 1 %", errors=0.05),
    Scenario("latency ×2", slowdown=2.0),
    Scenario("a vanished class", classes=(0.7, 0.3, 0.0)),
    Scenario("identical, errors in clumps of 5", clump=5),
)
RATES = (0.2, 1.0, 5.0)


@dataclass
class Outcome:
    """Of each canary: the Action it ended with, and after how many of its requests and minutes."""

    action: np.ndarray
    requests: np.ndarray
    minutes: np.ndarray


@dataclass
class Minute:
    """One minute of all canaries: requests of the canary and of the stable release, and events by kind."""

    canary: np.ndarray
    stable: np.ndarray
    events: dict[str, list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)

    def counts(self, kind: str) -> list[Counts]:
        """As the tests take them, one interval."""
        n, total = self.canary[:, None], (self.canary + self.stable)[:, None]
        return [Counts(x[:, None], n, (x + y)[:, None], total) for x, y in self.events[kind]]


class Stream:
    """Minutes of `runs` canaries at `rate` requests a second."""

    def __init__(self, scenario: Scenario, rate: float, seed: int) -> None:
        self._scenario, self._rate = scenario, rate
        self._random = np.random.default_rng(seed)

    def minute(self, share: np.ndarray) -> Minute:
        """The next one, for each run at its share."""
        scenario = self._scenario
        total = self._random.poisson(self._rate * MINUTE, share.shape)
        n = self._random.binomial(total, share)
        minute = Minute(n, total - n)
        minute.events["errors"] = [(self._errors(n, scenario.errors), self._errors(total - n, 0.01))]
        slow = self._slow(n, scenario.slowdown), self._slow(total - n, 1.0)
        minute.events["latency"] = [(slow[0][..., edge], slow[1][..., edge]) for edge in range(len(_EDGES))]
        classes = self._random.multinomial(n, scenario.classes), self._random.multinomial(total - n, _CLASSES)
        minute.events["classes"] = [(classes[0][..., place], classes[1][..., place]) for place in range(len(_CLASSES))]
        return minute

    def _errors(self, requests: np.ndarray, chance: float) -> np.ndarray:
        clump = self._scenario.clump
        return np.asarray(np.minimum(requests, clump * self._random.binomial(requests, chance / clump)))

    def _slow(self, requests: np.ndarray, slowdown: float) -> np.ndarray:
        beyond = norm.sf((_EDGES - np.log(slowdown)) / _SPREAD)
        chances = np.append(-np.diff(np.append(1.0, beyond)), beyond[-1])
        between = np.asarray(self._random.multinomial(requests, chances))
        return np.asarray(np.cumsum(between[..., ::-1], axis=-1)[..., ::-1][..., 1:])


def decide(scenario: Scenario, rate_: float, runs: int, seed: int) -> Outcome:
    """Each canary until monitoring.canary ends it, by the deadline at the latest."""
    phi = _dispersions(scenario, rate_, runs, seed)
    stream = Stream(scenario, rate_, seed)
    share, began, requests = np.full(runs, SHARES[0]), np.zeros(runs), np.zeros(runs, dtype=np.int64)
    sums: dict[str, list[np.ndarray]] = {}
    result = Outcome(np.zeros(runs, dtype=np.int64), np.zeros(runs, dtype=np.int64), np.zeros(runs))
    open_ = np.ones(runs, dtype=bool)
    for number in range(1, DEADLINE + 1):
        minute = stream.minute(share)
        requests += minute.canary
        _add(sums, minute, open_)
        harm, fine = _evidence(sums, phi)
        action = canary.choose(
            harm=harm,
            missing=np.zeros(runs, dtype=bool),
            fine=(fine >= np.log(canary.PROMOTE)) & (number - began >= LEAST),
            enough=(fine >= np.log(canary.ADVANCE)) & (number - began >= LEAST) & (share < SHARES[-1]),
            late=np.full(runs, number >= DEADLINE),
        )
        ended = open_ & np.isin(action, (Action.PROMOTE, Action.ROLL_BACK))
        late = ~harm & (action == Action.ROLL_BACK)
        result.action[ended] = np.where(late, Action.HOLD, action)[ended]
        result.requests[ended], result.minutes[ended] = requests[ended], number
        further = open_ & (action == Action.ADVANCE)
        share[further], began[further] = SHARES[-1], number
        open_ &= ~ended
        if not open_.any():
            break
    return result


def threshold(scenario: Scenario, rate_: float, runs: int, seed: int) -> Outcome:
    """The same streams under a threshold a minute."""
    stream = Stream(scenario, rate_, seed)
    share, failed, requests = np.full(runs, 0.1), np.zeros(runs, dtype=np.int64), np.zeros(runs, dtype=np.int64)
    result = Outcome(np.full(runs, Action.HOLD), np.zeros(runs, dtype=np.int64), np.full(runs, float(DEADLINE)))
    open_ = np.ones(runs, dtype=bool)
    for number in range(1, DEADLINE + 1):
        minute = stream.minute(share)
        requests += minute.canary
        n, errors, slow = minute.canary, minute.events["errors"][0][0], minute.events["latency"][-1][0]
        passed = (n > 0) & (errors <= LIMIT * n) & (slow <= 0.01 * n)
        failed += open_ & ~passed
        back, on = open_ & (failed >= 10), open_ & passed & (share >= 0.5)
        for ended, action in ((on, Action.PROMOTE), (back, Action.ROLL_BACK)):
            result.action[ended], result.requests[ended], result.minutes[ended] = action, requests[ended], number
        open_ &= ~(back | on)
        share = np.where(open_ & passed, np.minimum(0.5, share + 0.1), share)
        if not open_.any():
            break
    return result


def _add(sums: dict[str, list[np.ndarray]], minute: Minute, open_: np.ndarray) -> None:
    """The factors of one more minute, for the canaries that are still open."""

    def add(name: str, factors: list[np.ndarray]) -> None:
        masked = [np.where(open_[:, None], factor[:, 0, :], 0.0) for factor in factors]
        sums[name] = masked if name not in sums else [a + b for a, b in zip(sums[name], masked, strict=True)]

    errors, latency, classes = (minute.counts(kind) for kind in ("errors", "latency", "classes"))
    limits = [part * LIMIT for part in (0.05, 0.1, 0.25, 0.5)]
    x, n = errors[0].canary_events, errors[0].canary
    add("worse", [comparison.log_factors(errors[0], canary.WORSE)])
    add("beside", [comparison.log_factors(errors[0], canary.BETTER, RATIO)])
    add("alone", [rate.log_factors(x, n, limits, LIMIT)])
    add(
        "latency",
        [comparison.log_factors(counts, [o * SLOWER for o in canary.WORSE], SLOWER) for counts in latency[:3]],
    )
    add("vanished", [comparison.log_vanished(counts)[..., None] for counts in classes])


def _evidence(sums: dict[str, list[np.ndarray]], phi: dict[str, list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Whether each canary was proved worse, and log E of "not worse"."""

    def e(name: str, kind: str) -> np.ndarray:
        parts = [canary.log_mean(factor) / f for factor, f in zip(sums[name], phi[kind], strict=True)]
        return canary.mean(parts)

    harm = (
        (e("worse", "errors") >= np.log(canary.HARM["errors"]))
        | (e("latency", "latency") >= np.log(canary.HARM["latency"]))
        | (e("vanished", "classes") >= np.log(canary.HARM["vanished"]))
    )
    return harm, canary.mean([e("alone", "errors"), e("beside", "errors")])


def _dispersions(scenario: Scenario, rate_: float, runs: int, seed: int) -> dict[str, list[np.ndarray]]:
    """Of the stable release's counts in the 24 hours before, a run at a time."""
    stream = Stream(scenario, rate_, seed + 1_000_000)
    events: dict[str, list[list[np.ndarray]]] = {}
    requests = []
    for _ in range(HISTORY):
        minute = stream.minute(np.zeros(runs))
        requests.append(minute.stable.astype(np.float32))
        for kind, pairs in minute.events.items():
            series = events.setdefault(kind, [[] for _ in pairs])
            for place, (_, y) in enumerate(pairs):
                series[place].append(y.astype(np.float32))
    total = np.stack(requests, axis=-1)
    dispersions = {
        kind: [dispersion.factor(np.stack(y, axis=-1), total) for y in series] for kind, series in events.items()
    }
    return dispersions | {"latency": dispersions["latency"][:3]}


def table(runs: int, rates: Sequence[float], scenarios: Sequence[Scenario], seed: int = 14) -> str:
    """The Markdown of all of them: percentages, then canary requests and minutes until the decision, 50 / 90 / 99 %."""
    lines = [
        "| canary | requests a second | rule | promoted | rolled back | late: 21 h | canary requests | minutes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for scenario in scenarios:
        for rate_ in rates:
            for rule, title in ((decide, "e-values"), (threshold, "threshold a minute")):
                outcome = rule(scenario, rate_, runs, seed)
                shares = [
                    f"{100 * np.mean(outcome.action == action):.1f} %"
                    for action in (Action.PROMOTE, Action.ROLL_BACK, Action.HOLD)
                ]
                spans = [_quantiles(outcome.requests), _quantiles(outcome.minutes)]
                lines.append(f"| {' | '.join([scenario.title, f'{rate_:g}', title, *shares, *spans])} |")
                print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def _quantiles(values: np.ndarray) -> str:
    return " / ".join(f"{value:,.0f}" for value in np.quantile(values, (0.5, 0.9, 0.99)))


def main() -> None:
    """Print the table; 2,000 canaries of each kind take some minutes."""
    line = argparse.ArgumentParser(prog="python -m bench.canaries", description=main.__doc__)
    line.add_argument("--runs", type=int, default=2000, help="canaries of each kind (%(default)s)")
    table(line.parse_args().runs, RATES, SCENARIOS)


if __name__ == "__main__":
    main()
