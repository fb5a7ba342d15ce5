"""The rules that every artifact must pass, listed in RULES. Each gives whether it passed, its numbers, and words.

contest.py has the rules that compare the answers of champion and challenger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from artifact.errors import ConfigurationError
from artifact.manifest import Manifest
from pipeline.gate import outcomes
from pipeline.params.gate import Bound, Floor, Gate, Threshold
from pipeline.params.metrics import default


@dataclass(frozen=True)
class Rule:
    """The result of a rule; the verdict is `outcome` where it did not pass. `words`: the result for people, `numbers`:
    the values and limits that it comes from.
    """

    rule: str
    outcome: str
    passed: bool
    words: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form in a verdict."""
        value = {"rule": self.rule, "outcome": self.outcome, "passed": self.passed, "words": self.words}
        return {**value, **self.numbers}


@dataclass(frozen=True)
class Case:
    """What the rules judge: the challenger's manifest, and what the stages before measured of it.

    `champion` is the champion's manifest, None without one; `unchanged`: the champion is this very artifact. `trained`:
    how many of the `holdout` rows were trained on; `twins_apart`: equal rows may stand on both sides. `quarantined`:
    the entries of quarantine.yaml.
    """

    gate: Gate
    digest: str
    inputs_digest: str
    manifest: Manifest
    champion: Manifest | None
    unchanged: bool
    metrics: Mapping[str, Any]
    guessing: Mapping[str, Any]
    behaviour: Sequence[Mapping[str, Any]]
    latency: Mapping[str, Any]
    holdout: int
    trained: int
    twins_apart: bool
    quarantined: Sequence[Mapping[str, Any]]


def thresholds(declared: Mapping[str, Threshold], metrics: Mapping[str, Any]) -> list[Rule]:
    """One rule for each end of each threshold; ConfigurationError (10) for a metric that this model does not have."""
    return [rule for name, threshold in declared.items() for rule in _threshold(name, threshold, metrics)]


def _threshold(name: str, threshold: Threshold, metrics: Mapping[str, Any]) -> list[Rule]:
    if name not in metrics:
        raise ConfigurationError(
            f"params.yaml: gate.thresholds.{name}: the estimator gives no probabilities and so no such "
            f"metric; use one of {', '.join(metric for metric in metrics if metric != 'rows')}"
        )
    value = metrics[name]["value"]
    rules = []
    for side, limit in (("min", threshold.min), ("max", threshold.max)):
        if limit is not None:
            # A metric that the holdout does not define passes nothing.
            passed = value is not None and (value >= limit if side == "min" else value <= limit)
            if value is None:
                words = f"{name} is not defined on this holdout, {side} {limit:g}"
            else:
                relations = {"min": ("below", "at least"), "max": ("above", "at most")}
                words = f"{name} {value:.6g} is {relations[side][passed]} {limit:g}"
            numbers = {"metric": name, "value": value, side: limit}
            rules.append(Rule(f"thresholds.{name}", outcomes.BELOW_THRESHOLD, passed, words, numbers))
    return rules


def floor(declared: Floor, task: str, guessing: Mapping[str, Any]) -> Rule:
    """Require a model that is better than guessing, by the unfavourable end of the interval.

    `guessing`: metric → how much better the model is. ConfigurationError (10) for a metric that this model lacks.
    """
    name = declared.metric_name(task, default(task, True) in guessing)
    if name not in guessing:
        raise ConfigurationError(
            f"params.yaml: gate.floor.metric is {name!r}, and the estimator gives no probabilities; use accuracy"
        )
    value, low, high = (guessing[name][end] for end in ("value", "low", "high"))
    numbers = {"metric": name, "value": value, "low": low, "high": high}
    if low is None:
        words = f"{name} is not defined on this holdout, so that nothing shows a model better than guessing"
        return Rule("floor", outcomes.BELOW_THRESHOLD, False, words, numbers)
    words = f"by {name} better than guessing by {value:.3g} (interval {low:.3g} to {high:.3g})"
    words += "" if low > 0 else ": that may be chance, and a model no better than guessing does not pass"
    return Rule("floor", outcomes.BELOW_THRESHOLD, low > 0, words, numbers)


def holdout(rows: int, trained: int, twins_apart: bool) -> Rule:
    """Require that training saw the features of none of the held-out `rows`, unless `twins_apart` allows it."""
    words = f"{trained} of {rows} held-out rows were trained on"
    if twins_apart:
        words = f"{rows} held-out rows; {trained} have the features of a row trained on, as there are few combinations"
    elif trained:
        words += ": a metric on them says nothing"
    numbers = {"rows": rows, "trained": trained}
    return Rule("holdout", outcomes.INCOMPARABLE, twins_apart or trained == 0, words, numbers)


def behaviour(checks: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """One rule for each expectation that stage evaluate tried."""
    return [
        Rule(
            f"behaviour[{place}]",
            outcomes.BELOW_THRESHOLD,
            check["passed"],
            f"{check['check']}: {check['broke']} of {check['rows']} rows break it"
            + (f", {check['tolerated']:.2%} are tolerated" if check["tolerated"] else ""),
            {name: check[name] for name in ("rows", "broke", "tolerated", "worst")},
        )
        for place, check in enumerate(checks)
    ]


def quarantine(entries: Sequence[Mapping[str, Any]], model_digest: str, inputs_digest: str) -> Rule:
    """Require that no entry of quarantine.yaml names the artifact or its inputs."""
    for entry in entries:
        for key, digest in (("model_digest", model_digest), ("inputs_digest", inputs_digest)):
            if entry.get(key) == digest:
                kind = "artifact" if key == "model_digest" else "inputs"
                words = f"the {kind} {digest} is quarantined: {entry.get('reason')}"
                return Rule("quarantine", outcomes.QUARANTINED, False, words, {key: digest})
    return Rule("quarantine", outcomes.QUARANTINED, True, f"none of {len(entries)} quarantined models")


def latency(bound: Bound, measured: Mapping[str, Any]) -> Rule:
    """Compare the medians of one row's milliseconds, and hold the challenger's p99 to its own bound."""
    challenger, champion = measured["challenger"], measured.get("champion")
    now, before = challenger["p50_ms"], None if champion is None else champion["p50_ms"]
    beside = bound.model_copy(update={"most": None}).holds(now, before)
    alone = bound.most is None or challenger["p99_ms"] <= bound.most
    words = f"one row takes {now:.3g} ms (p99 {challenger['p99_ms']:.3g} ms)"
    words += "" if before is None else f", the champion {before:.3g} ms"
    words += "" if beside else f"; allowed are {_allowed(bound, before, 'ms')}"
    words += "" if alone else f"; allowed are {bound.most:g} ms"
    numbers = {"value": now, "p99": challenger["p99_ms"], "champion": before, **_limits(bound)}
    return Rule("latency", outcomes.TOO_SLOW, beside and alone, words, numbers)


def size(bound: Bound, challenger: Manifest, champion: Manifest | None) -> Rule:
    """Compare the MiB of all files of both artifacts, and hold the challenger's to its own bound."""
    now, before = mib(challenger), None if champion is None else mib(champion)
    passed = bound.holds(now, before)
    words = f"the artifact has {now:.3g} MiB" + ("" if before is None else f", the champion's {before:.3g} MiB")
    if not passed:
        over = bound.most is not None and now > bound.most
        words += f"; allowed are {f'{bound.most:g} MiB' if over else _allowed(bound, before, 'MiB')}"
    return Rule("size", outcomes.TOO_BIG, passed, words, {"value": now, "champion": before, **_limits(bound)})


def mib(manifest: Manifest) -> float:
    """The size of the artifact's files."""
    return sum(file.size for file in manifest.files) / 2**20


# A new rule is a function above, and its entry here; a refusal of a new kind is an entry of outcomes.REFUSALS, too.
RULES: tuple[Callable[[Case], Sequence[Rule]], ...] = (
    lambda case: [quarantine(case.quarantined, case.digest, case.inputs_digest)],
    lambda case: [holdout(case.holdout, case.trained, case.twins_apart)],
    lambda case: thresholds(case.gate.thresholds, case.metrics),
    lambda case: [floor(case.gate.floor, case.manifest.signature.task, case.guessing)],
    lambda case: behaviour(case.behaviour),
    lambda case: [] if case.unchanged else [latency(case.gate.latency, case.latency)],
    lambda case: [] if case.unchanged else [size(case.gate.size, case.manifest, case.champion)],
)


def _allowed(bound: Bound, champion: float | None, unit: str) -> str:
    most = max(bound.ratio * (champion or 0.0), (champion or 0.0) + bound.slack)
    return f"{most:.3g} {unit} ({bound.ratio:g} × the champion's, or {bound.slack:g} {unit} more)"


def _limits(bound: Bound) -> dict[str, Any]:
    return {"ratio": bound.ratio, "slack": bound.slack, "max": bound.most}
