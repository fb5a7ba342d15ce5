"""How fast each model spends the errors and slow answers that its objectives allow: recorded shares, and alerts.

Two windows for each alert, as the Site Reliability Workbook has them (chapter 5, Alerting on SLOs, table 5-8): the
long one says that enough was spent, the short one that it still goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitoring.rules.objectives import Objectives
from monitoring.rules.rule import GRPC_ERRORS, OURS, PAGE, TICKET, Alert, Recording

_LEAST = 5  # bad answers in the long window: one of three requests at night wakes nobody


@dataclass(frozen=True)
class Burn:
    """Spending `factor` times as fast as would last 30 days."""

    long: str
    short: str
    factor: float
    severity: str
    lasting: str


BURNS = (
    Burn("1h", "5m", 14.4, PAGE, "2m"),  # 2 % of a month's errors in an hour
    Burn("6h", "30m", 6, PAGE, "5m"),  # 5 % in six hours
    Burn("1d", "2h", 3, TICKET, "15m"),  # 10 % in a day
    Burn("3d", "6h", 1, TICKET, "1h"),  # 10 % in three days
)
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


def recordings(objectives: Objectives) -> Iterator[Recording]:
    """Objectives as series by namespace, and the rates and shares of each window."""
    yield from _objective(objectives, "availability")
    yield from _objective(objectives, "latency")
    yield from _objective(objectives, "start_seconds")
    for window in WINDOWS:
        counter, code = objectives.requests, objectives.code
        yield Recording(f"modelpin:requests:rate{window}", f"sum by (namespace) (rate({counter}{{{OURS}}}[{window}]))")
        failed = (
            f'rate({counter}{{{OURS},{code}=~"5.."}}[{window}]) or '
            f'rate(modelpin_requests_total{{{OURS},code=~"{GRPC_ERRORS}"}}[{window}])'
        )
        none = f"0 * modelpin:requests:rate{window}"
        yield Recording(f"modelpin:errors:rate{window}", f"sum by (namespace) ({failed}) or {none}")
        yield Recording(f"modelpin:answers:rate{window}", _answers(window, OURS, None))
        yield from _slow(objectives, window)
    for window in WINDOWS:
        yield Recording(
            f"modelpin:errors:share{window}", f"modelpin:errors:rate{window} / modelpin:requests:rate{window}"
        )
        yield Recording(f"modelpin:slow:share{window}", f"modelpin:slow:rate{window} / modelpin:answers:rate{window}")


def alerts() -> Iterator[Alert]:
    """Each objective's burn rates."""
    for kind, name, objective in (
        ("errors", "ModelpinAvailabilityBurn", "availability"),
        ("slow", "ModelpinLatencyBurn", "latency"),
    ):
        for burn in BURNS:
            yield _alert(name, kind, objective, burn)


def _alert(name: str, kind: str, objective: str, burn: Burn) -> Alert:
    allowed = f"{burn.factor:g} * (1 - modelpin:objective:{objective})"
    over = [f"modelpin:{kind}:share{window} > on (namespace) {allowed}" for window in (burn.long, burn.short)]
    enough = f"modelpin:{kind}:rate{burn.long} * {_seconds(burn.long)} >= {_LEAST}"
    words = "requests end in an error of ours" if kind == "errors" else "answers are slower than the objective"
    return Alert(
        name,
        f"({over[0]}) and on (namespace) ({over[1]}) and on (namespace) ({enough})",
        burn.lasting,
        burn.severity,
        f"{{{{ $labels.namespace }}}}: {{{{ $value | humanizePercentage }}}} of the {words}, over {burn.long}: "
        f"{burn.factor:g} times what lasts for 30 days.",
        {"window": burn.long},
    )


def _objective(objectives: Objectives, field: str) -> Iterator[Recording]:
    """The value of each namespace that has one of its own, and that of `every` for the others that are scraped."""
    name, own = f"modelpin:objective:{field}", objectives.by(field)
    for namespace, value in own.items():
        yield Recording(name, f"vector({value:g})", {"namespace": namespace})
    others = f"modelpin_ready{{{_others(list(own))}}}"
    common = f"{getattr(objectives.every, field):g}"
    # Of the last day: a model that has scaled to zero keeps its objective.
    yield Recording(name, f"0 * group by (namespace) (last_over_time({others}[1d])) + {common}")


def _slow(objectives: Objectives, window: str) -> Iterator[Recording]:
    """Answers over the objective's bucket edge, a second: all of them without those that were within."""
    name, own = f"modelpin:slow:rate{window}", objectives.by("seconds")
    for namespace in own:
        edge = objectives.namespaces[namespace].edge
        mine = f'{OURS},namespace="{namespace}"'
        yield Recording(name, f"{_answers(window, mine, None)} - {_answers(window, mine, edge)}")
    others = _others(list(own))
    yield Recording(name, f"{_answers(window, others, None)} - {_answers(window, others, objectives.every.edge)}")


def _answers(window: str, matchers: str, edge: str | None) -> str:
    series = "count" if edge is None else "bucket"
    within = "" if edge is None else f',le="{edge}"'
    return f"sum by (namespace) (rate(modelpin_request_seconds_{series}{{{matchers}{within}}}[{window}]))"


def _others(namespaces: list[str]) -> str:
    return OURS + (f',namespace!~"{"|".join(namespaces)}"' if namespaces else "")


def _seconds(window: str) -> int:
    return int(window[:-1]) * _SECONDS[window[-1]]
