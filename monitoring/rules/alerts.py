"""The alerts that are no burn rates: what to look at, by release, by digest and by pod."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.rules.rule import GRPC_ERRORS, OURS, PAGE, TICKET, Alert, Recording

_WEEK = "7d"
_CONTAINER = 'container="kserve-container"'
_WHOSE = "{{ $labels.namespace }}, release {{ $labels.release }}"
_NORMAL = 4.265  # of the normal distribution 1 in 100,000 lies beyond: features and days are many


def recordings() -> Iterator[Recording]:
    """Who serves, and the population stability index of each feature with the bound of its sampling error."""
    serving = f"group by (namespace, release) (rate(modelpin_requests_total{{{OURS}}}[1h]) > 0)"
    yield Recording("modelpin:releases:serving", f"count by (namespace) ({serving})")
    yield Recording("modelpin:start_seconds", _start())
    yield from _drift()


def alerts() -> Iterator[Alert]:
    """All of them."""
    yield from _answers()
    yield from _pods()
    yield Alert(
        "ModelpinInputsDrift",
        "(modelpin:input:psi > 0.1) and (modelpin:input:psi > modelpin:input:psi_bound) "
        "and (modelpin:input:rows >= 2000)",
        "6h",
        TICKET,
        f"{_WHOSE}: feature {{{{ $labels.feature }}}} is distributed otherwise than in training: PSI "
        "{{ $value | humanize }} over a week.",
    )
    yield Alert(
        "ModelpinCanaryStuck",
        "modelpin:releases:serving > 1",
        "1d",
        TICKET,
        "{{ $labels.namespace }}: {{ $value }} releases have shared the traffic for a day.",
    )


def _answers() -> Iterator[Alert]:
    requests = f"modelpin_requests_total{{{OURS}}}"
    ours = f'modelpin_requests_total{{{OURS},code=~"5..|{GRPC_ERRORS}"}}'
    by = "sum by (namespace, release, digest)"
    yield Alert(
        "ModelpinErrorsOfDigest",
        f"({by} (rate({ours}[10m])) / {by} (rate({requests}[10m])) > 0.05) and ({by} (increase({ours}[10m])) >= 5)",
        "5m",
        PAGE,
        f"{_WHOSE}, {{{{ $labels.digest }}}}: {{{{ $value | humanizePercentage }}}} of the answers are errors of ours.",
    )
    busy = _share('reason=~"queue|buffers|connections"')
    all_ = _share('reason!~"queue|buffers|connections|gone|unread|internal|not-ready"')
    yield Alert(
        "ModelpinOverloaded", f"{busy} > 0.01", "10m", TICKET,
        f"{_WHOSE}: {{{{ $value | humanizePercentage }}}} of the requests are refused because too many are in work.",
    )  # fmt: skip
    yield Alert(
        "ModelpinRequestsRefused", f"{all_} > 0.2", "30m", TICKET,
        f"{_WHOSE}: {{{{ $value | humanizePercentage }}}} of the requests are refused for what they hold.",
    )  # fmt: skip
    yield Alert(
        "ModelpinInferenceLogDrops",
        f"sum by (namespace, release) (increase(modelpin_inference_dropped_total{{{OURS}}}[30m])) > 0",
        "0m",
        TICKET,
        f"{_WHOSE}: {{{{ $value | humanize }}}} requests found no room in the inference log in half an hour.",
    )


def _share(reasons: str) -> str:
    by = "sum by (namespace, release)"
    refused = f"{by} (rate(modelpin_rejects_total{{{OURS},{reasons}}}[10m]))"
    return f"{refused} / {by} (rate(modelpin_requests_total{{{OURS}}}[10m]))"


def _pods() -> Iterator[Alert]:
    # kube-state-metrics and the kubelet say these of all pods: those of an environment have a predictor's name.
    pods = f'kube_pod_container_info{{{_CONTAINER},pod=~".+-predictor-.+"}}'
    yield Alert(
        "ModelpinNoReadyRevision",
        f"count by (namespace) ({pods}) unless on (namespace) (sum by (namespace) (modelpin_ready{{{OURS}}}) > 0)",
        "5m",
        PAGE,
        "{{ $labels.namespace }}: of {{ $value }} pods of predictors none is ready.",
    )
    yield Alert(
        "ModelpinStartSlow",
        "modelpin:start_seconds > on (namespace) group_left () modelpin:objective:start_seconds",
        "0m",
        TICKET,
        f"{_WHOSE}: pod {{{{ $labels.pod }}}} was ready {{{{ $value | humanizeDuration }}}} after it began.",
    )
    used = f'container_memory_working_set_bytes{{{_CONTAINER},pod=~".+-predictor-.+"}}'
    most = f'kube_pod_container_resource_limits{{resource="memory",{_CONTAINER}}}'
    by = "max by (namespace, pod)"
    yield Alert(
        "ModelpinMemoryNearLimit", f"{by} ({used}) / {by} ({most}) > 0.9", "10m", TICKET,
        "{{ $labels.namespace }}: pod {{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory.",
    )  # fmt: skip
    yield Alert(
        "ModelpinNotScraped", f"up{{{OURS}}} == 0", "10m", TICKET,
        f"{_WHOSE}: Prometheus cannot read the metrics of pod {{{{ $labels.pod }}}}.",
    )  # fmt: skip


def _start() -> str:
    """Not `first_answer`: a pod that nobody asks gives its first answer late."""
    phases = 'phase=~"download|import|verify|load"'
    return f"sum by (namespace, release, pod) (modelpin_start_seconds{{{OURS},{phases}}})"


def _drift() -> Iterator[Recording]:
    """PSI = Σ (p − q) ln(p / q) of live shares p and reference shares q by bin, half a row added to each bin.

    Without drift PSI / (1/n + 1/m), of n live rows and m of training, is about χ² with one degree less than bins
    (Yurdakul, Statistical Properties of Population Stability Index, 2018); its quantile is Wilson and Hilferty's.
    Rows that come in one client's batches vary more: `python -m monitoring drift` allows for that, this bound does not.
    """
    by, bins = "namespace, release, feature", "modelpin:input:bin_rows"
    yield Recording(bins, f"sum by ({by}, bin) (increase(modelpin_input_bin_total{{{OURS}}}[{_WEEK}]))")
    yield Recording(
        "modelpin:input:bin_reference",
        f"max by ({by}, bin) (last_over_time(modelpin_reference_input_bin{{{OURS}}}[1d]))",
    )
    reference = "modelpin:input:bin_reference"
    for counts in (bins, reference):
        name = "modelpin:input:bin_share" if counts == bins else "modelpin:input:bin_reference_share"
        whole = f"(sum by ({by}) ({counts}) + 0.5 * count by ({by}) ({counts}))"
        yield Recording(name, f"({counts} + 0.5) / on ({by}) group_left () {whole}")
    live, trained = "modelpin:input:bin_share", "modelpin:input:bin_reference_share"
    yield Recording("modelpin:input:psi", f"sum by ({by}) (({live} - {trained}) * ln({live} / {trained}))")
    yield Recording("modelpin:input:rows", f"sum by ({by}) ({bins})")
    degrees = f"clamp_min(count by ({by}) ({reference}) - 1, 1)"
    quantile = f"{degrees} * (1 - 2 / (9 * {degrees}) + {_NORMAL} * sqrt(2 / (9 * {degrees}))) ^ 3"
    rows = f"(1 / modelpin:input:rows + 1 / sum by ({by}) ({reference}))"
    yield Recording("modelpin:input:psi_bound", f"{quantile} * {rows}")
