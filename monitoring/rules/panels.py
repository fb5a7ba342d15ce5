"""The dashboard as data: each panel's title, queries and unit. Grafana and the local page draw the same."""

from __future__ import annotations

from dataclasses import dataclass

from monitoring.rules.rule import GRPC_ERRORS, OURS

VARIABLE = "$namespace"
_MINE = f'{OURS},namespace="{VARIABLE}"'
_RELEASE = "{{release}}"


@dataclass(frozen=True)
class Panel:
    """`queries`: PromQL and the legend of its series, which names labels as `{{release}}`. `unit` is Grafana's."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    about: str = ""

    def of(self, namespace: str) -> list[tuple[str, str]]:
        """The queries of one namespace."""
        return [(query.replace(VARIABLE, namespace), legend) for query, legend in self.queries]


def _rate(metric: str, by: str, more: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{_MINE}{more}}}[5m]))"


def _quantile(share: float, by: str) -> str:
    return f"histogram_quantile({share}, {_rate('modelpin_request_seconds_bucket', f'le, {by}')})"


def _spent(objective: str, share: str) -> str:
    allowed = f'(1 - modelpin:objective:{objective}{{namespace="{VARIABLE}"}})'
    return f'1 - modelpin:{share}:share3d{{namespace="{VARIABLE}"}} / on (namespace) {allowed}'


_NAMESPACE = f'{{namespace="{VARIABLE}"}}'
_PACE = "At the pace of the last 3 days. Below 0 the month's allowance does not last."
_PSI = (
    "0.1 is often called a change, 0.25 a great one. The alert also asks for 2,000 rows and more than sampling error."
)
_ALL = _rate("modelpin_requests_total", "digest")
_FAILED = _rate("modelpin_requests_total", "digest", f',code=~"5..|{GRPC_ERRORS}"')
_TRAFFIC = " / on (namespace) group_left () ".join(
    _rate("modelpin_requests_total", by) for by in ("namespace, release", "namespace")
)
_ANSWERS = " / on (release) group_left () ".join(
    _rate("modelpin_predictions_total", by) for by in ("release, output, bin", "release")
)
_STAGES = " / ".join(_rate(f"modelpin_stage_seconds_{part}", "stage") for part in ("sum", "count"))
_REQUEST_ROWS = " / ".join(_rate(f"modelpin_{unit}_total", "release") for unit in ("rows", "requests"))


def _gauge(metric: str, by: str = "release", how: str = "sum") -> str:
    return f"{how} by ({by}) ({metric}{{{_MINE}}})"


CALLERS = (
    Panel(
        "Requests",
        "reqps",
        (
            (f"modelpin:requests:rate5m{_NAMESPACE}", "all"),
            (_rate("modelpin_requests_total", "release, code"), "{{release}} {{code}}"),
        ),
    ),
    Panel(
        "Errors of ours",
        "percentunit",
        (
            (f"modelpin:errors:share5m{_NAMESPACE}", "5 minutes"),
            (f"modelpin:errors:share1h{_NAMESPACE}", "1 hour"),
        ),
    ),
    Panel(
        "Left of what the objectives allow",
        "percentunit",
        ((_spent("availability", "errors"), "errors"), (_spent("latency", "slow"), "slow answers")),
        _PACE,
    ),
    Panel(
        "Time of an answer",
        "s",
        tuple((_quantile(share, "release"), f"{_RELEASE} p{share * 100:g}") for share in (0.5, 0.9, 0.99)),
        "In the predictor, cold starts apart.",
    ),
)
RELEASES = (
    Panel("Traffic by release", "percentunit", ((_TRAFFIC, _RELEASE),)),
    Panel("Errors by digest", "percentunit", ((f"({_FAILED} or 0 * {_ALL}) / {_ALL}", "{{digest}}"),)),
    Panel("Not answered with a prediction", "reqps", ((_rate("modelpin_rejects_total", "reason"), "{{reason}}"),)),
    Panel(
        "Requests that are no user's",
        "reqps",
        ((_rate("modelpin_apart_requests_total", "release, purpose"), "{{release}} {{purpose}}"),),
    ),
)
VALUES = (
    Panel("Answers by class or bin", "percentunit", ((_ANSWERS, "{{release}} {{output}} {{bin}}"),)),
    Panel(
        "Drift of inputs, the week's PSI",
        "none",
        ((f"topk(10, modelpin:input:psi{_NAMESPACE})", "{{release}} {{feature}}"),),
        _PSI,
    ),
    Panel(
        "Missing, out of range, unseen",
        "reqps",
        tuple(
            (_rate(f"modelpin_input_{fault}_total", "feature") + " > 0", f"{{{{feature}}}} {fault.replace('_', ' ')}")
            for fault in ("missing", "out_of_range", "unseen")
        ),
    ),
    Panel("Rows of a request", "none", ((_REQUEST_ROWS, _RELEASE),)),
)
PODS = (
    Panel("Ready", "none", ((_gauge("modelpin_ready"), _RELEASE),)),
    Panel(
        "Start until ready",
        "s",
        (
            (f"max by (release) (modelpin:start_seconds{_NAMESPACE})", _RELEASE),
            (f"modelpin:objective:start_seconds{_NAMESPACE}", "objective"),
        ),
    ),
    Panel("Where a request's time goes", "s", ((_STAGES, "{{stage}}"),)),
    Panel(
        "In work and waiting",
        "none",
        (
            (_gauge("modelpin_in_flight"), "{{release}} in work"),
            (_gauge("modelpin_queue"), "{{release}} waiting"),
        ),
    ),
    Panel("Memory", "bytes", ((_gauge("process_resident_memory_bytes", "pod", "max"), "{{pod}}"),)),
    Panel("CPU", "none", ((_rate("process_cpu_seconds_total", "pod"), "{{pod}}"),)),
)
ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    ("What callers see", CALLERS),
    ("Releases", RELEASES),
    ("What is asked and answered", VALUES),
    ("Pods", PODS),
)
PANELS = tuple(panel for _, row in ROWS for panel in row)
