"""What Prometheus counted of two releases in each interval: requests, errors, slow answers, predictions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.comparison import Counts
from monitoring.increments import increments
from monitoring.prometheus import Grid, Prometheus, Series, growing, matcher
from monitoring.rules.rule import GRPC_ERRORS
from monitoring.thresholds import Thresholds

LATENCY = "modelpin_request_seconds_bucket"
PREDICTIONS = "modelpin_predictions_total"
OWN = "modelpin_requests_total"
APART = "modelpin_apart_requests_total"
HISTORY = 24 * 3600.0  # seconds before the canary that say how the stable release is
_OF_THE_PREDICTOR = {"own": OWN, "apart": APART, "latency": LATENCY, "predictions": PREDICTIONS}
_QUANTILES = (0.5, 0.9, 0.99)
_SUFFIX = re.compile(r"-predictor.*$")  # of a release's name, as Knative's label for the revision has it
_GRPC_ERRORS = frozenset(GRPC_ERRORS.split("|"))


@dataclass(frozen=True)
class Answers:
    """Of one release, by interval: `requests`, `errors` and refusals (`refused`, 4xx and their like of gRPC); `slower`
    than each bucket edge of `timed` answers; rows `predicted` in each bin of `rows`.

    Each an array of shape [intervals].
    """

    requests: np.ndarray
    errors: np.ndarray
    refused: np.ndarray
    timed: np.ndarray
    slower: Mapping[float, np.ndarray]
    rows: np.ndarray
    predicted: Mapping[str, np.ndarray]

    def between(self, first: int, last: int | None = None) -> Answers:
        """The same of some intervals."""
        part = slice(first, last)
        return Answers(
            self.requests[part],
            self.errors[part],
            self.refused[part],
            self.timed[part],
            {edge: rows[part] for edge, rows in self.slower.items()},
            self.rows[part],
            {name: rows[part] for name, rows in self.predicted.items()},
        )


@dataclass(frozen=True)
class Live:
    """Both releases on one grid, the stable one also in the `history` before it; `queries` that gave it."""

    grid: Grid
    canary: Answers
    stable: Answers
    history: Answers
    queries: tuple[str, ...]

    def edges(self) -> tuple[float, ...]:
        """The bucket edges nearest to the stable release's p50, p90 and p99 before the canary; none without history."""
        timed = self.history.timed.sum()
        if not timed:
            return ()
        faster = {
            edge: 1 - counts.sum() / timed for edge, counts in self.history.slower.items() if edge in self.canary.slower
        }
        inner = {edge: share for edge, share in faster.items() if 0 < share < 1}
        nearest = [min(inner, key=lambda edge: abs(inner[edge] - quantile)) for quantile in _QUANTILES if inner]
        return tuple(dict.fromkeys(nearest))


def compared(canary: tuple[np.ndarray, np.ndarray], stable: tuple[np.ndarray, np.ndarray]) -> Counts:
    """Of (events, requests) of each release."""
    (x, n), (y, others) = canary, stable
    whole = [np.rint(values).astype(np.int64) for values in (np.minimum(x, n), n, np.minimum(y, others), others)]
    return Counts(whole[0], whole[1], whole[0] + whole[2], whole[1] + whole[3])


def read(
    prometheus: Prometheus, thresholds: Thresholds, grid: Grid, *, namespace: str, canary: str, stable: str
) -> Live:
    """The counts of the releases of these names; `history` is the stable one's. StorageError as Prometheus.range."""
    source, wide = thresholds.source, grid.earlier(HISTORY)
    history = wide.points - grid.points
    queries: list[str] = []

    def ask(metric: str, label: str) -> list[Series]:
        selector = matcher(metric, **{"namespace": namespace, label: f"~(?:{canary}|{stable})(?:-predictor.*)?"})
        queries.append(growing(selector, wide.step))
        return prometheus.counters(selector, wide)

    named = {"requests": (source.requests, source.release)}
    named |= {kind: (metric, "release") for kind, metric in _OF_THE_PREDICTOR.items()}
    by_kind = {kind: ask(metric, label) for kind, (metric, label) in named.items()}
    # All together, because a pod is as old as the first series of it: a counter that begins later began at 0.
    grown = iter(increments([item for series in by_kind.values() for item in series], wide.step, thresholds.warm_up))
    rows = {kind: [(item, next(grown)) for item in series] for kind, series in by_kind.items()}

    def of(release: str) -> dict[str, Rows]:
        return {
            kind: [pair for pair in rows[kind] if _SUFFIX.sub("", pair[0].labels.get(label, "")) == release]
            for kind, (_, label) in named.items()
        }

    both = {name: _answers(thresholds, of(name), wide.points - 1) for name in (canary, stable)}
    return Live(
        grid,
        both[canary].between(history),
        both[stable].between(history),
        both[stable].between(0, history),
        tuple(queries),
    )


Rows = Sequence[tuple[Series, np.ndarray]]


def _answers(thresholds: Thresholds, series: Mapping[str, Rows], intervals: int) -> Answers:
    def total(kind: str, matches: Callable[[Mapping[str, str]], bool] = lambda labels: True) -> np.ndarray:
        return sum((row for item, row in series[kind] if matches(item.labels)), np.zeros(intervals))

    code, proxied = thresholds.source.code, thresholds.source.requests != OWN
    requests = total("requests")
    errors = total("requests", lambda labels: failed(labels.get(code, "")))
    refused = total("requests", lambda labels: was_refused(labels.get(code, "")))
    if proxied:
        # A proxy cannot tell golden, proof and shadow requests from a user's: the predictor counts those apart, to be
        # taken off here. And it sees a call of gRPC as HTTP 200, whatever its status: the predictor counts that.
        apart_errors = total("apart", lambda labels: labels.get("code", "").startswith("5"))
        answered = _of_users(requests - errors, total("apart") - apart_errors)
        errors = _of_users(errors, apart_errors)
        requests = answered + errors
        refused = _of_users(refused, total("apart", lambda labels: labels.get("code", "").startswith("4")))
        errors = errors + total("own", lambda labels: labels.get("code", "") in _GRPC_ERRORS)
        refused = refused + total("own", lambda labels: _refused_by_grpc(labels.get("code", "")))
    edges = sorted({float(item.labels["le"]) for item, _ in series["latency"]} - {np.inf})
    timed = total("latency", lambda labels: labels["le"] == "+Inf")
    names = sorted({_bin(item.labels) for item, _ in series["predictions"]})
    return Answers(
        requests=requests,
        errors=np.clip(errors, 0, requests),
        refused=np.clip(refused, 0, requests),
        timed=timed,
        slower={edge: timed - total("latency", _labelled("le", edge)) for edge in edges},
        rows=total("predictions") / max(1, len({item.labels.get("output") for item, _ in series["predictions"]})),
        predicted={name: total("predictions", _labelled("bin", name)) for name in names},
    )


def _of_users(every: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Users' requests: in each interval `every` request less those counted `apart`. All are of shape [intervals].

    The two are counters of two processes, which are scraped at different moments, so that a request may show in one of
    them an interval earlier. A difference in each interval would then count some of them as a user's. So this takes the
    growth of the greatest difference of the sums so far: at no time are more requests a user's than all less those
    apart.
    """
    reached = np.maximum.accumulate(np.maximum(np.cumsum(every - apart), 0.0))
    return np.diff(reached, prepend=0.0)


def _labelled(label: str, value: float | str) -> Callable[[Mapping[str, str]], bool]:
    """Whether labels are those of the bucket, or the bin of predictions, `value`."""
    if label == "le":
        return lambda labels: float(labels["le"]) == value
    return lambda labels: _bin(labels) == value


def failed(code: str) -> bool:
    """Whether a status, of HTTP or gRPC, says that we did not answer."""
    return code.startswith("5") or code in _GRPC_ERRORS


def was_refused(code: str) -> bool:
    """Whether a status, of HTTP or gRPC, says that the caller asked for what is not answered, or left."""
    return code.startswith("4") or _refused_by_grpc(code)


def _refused_by_grpc(code: str) -> bool:
    return code[:1].isalpha() and code != "OK" and code not in _GRPC_ERRORS


def _bin(labels: Mapping[str, str]) -> str:
    """What was answered, by output where there are several: class, or bin of a number."""
    bin_ = labels.get("class", labels.get("bin", ""))
    return f"{labels['output']} {bin_}" if "output" in labels else bin_
