"""Prometheus metrics of this process. Answered requests go on a list, and are counted many at a time or at a scrape."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from itertools import accumulate
from operator import attrgetter, itemgetter
from threading import Lock
from typing import Any, cast

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from artifact import confidence, latency_edges
from predictor.observe import start_times
from predictor.observe.drift import Drift
from predictor.observe.exchange import STAGES, Exchange
from predictor.observe.sample_block import Block, Labels

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_MANY = 64  # requests counted at once
_ENDS = (*map(str, BUCKETS), "+Inf")
_BEGINS = np.arange(len(STAGES)) * len(_ENDS)  # of the buckets of each stage, all of them in one array
_REQUEST_ENDS = (*latency_edges.NAMES, "+Inf")
_LABELS_OF = attrgetter("purpose", "protocol", "code", "reason", "fast")
_FIRST = "first_answer"
_LIBRARIES = ("kserve", "scikit-learn", "numpy")


class Metrics(Collector):
    """Everything that /metrics says about the model and its requests."""

    def __init__(
        self,
        model: Mapping[str, str],
        drift: Drift,
        gauges: Mapping[str, Callable[[], float]],
        counters: Mapping[str, Callable[[], float]],
        start_seconds: Mapping[str, float],
    ) -> None:
        """`model` labels the model: model, digest, release, task, engine. Gauges and counters are read at the scrape.

        `start_seconds`: what the phases of the start took until now.
        """
        self._model = dict(model)
        self._drift = drift
        self._gauges = gauges
        self._counters = counters
        self._start_seconds = dict(start_seconds)
        self._apart: Counter[tuple[str, str, str]] = Counter()
        self._whole: dict[str, np.ndarray] = {}
        self._whole_sums: Counter[str] = Counter()
        self._fast: Counter[str] = Counter()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._rejects: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._stages: dict[str, np.ndarray] = {}  # by protocol: [stages, buckets]
        self._stage_sums: dict[str, np.ndarray] = {}  # by protocol: [stages], in seconds
        self._pending: list[Exchange] = []
        self._lock = Lock()

    def register(self, registry: CollectorRegistry) -> None:
        """Show these metrics in `registry`."""
        registry.register(self)

    @cached_property
    def _build(self) -> dict[str, str]:
        libraries = {name.replace("-", "_"): version(name) for name in _LIBRARIES}
        return {"python": platform.python_version(), **libraries}

    def describe(self) -> list[Metric]:
        """Nothing: the registry would otherwise scrape once to learn the names."""
        return []

    def count(self, exchanges: Sequence[Exchange]) -> bool:
        """Remember answered requests, in their order; whether those remembered were many, and have been counted."""
        if exchanges and _FIRST not in self._start_seconds:
            self._start_seconds[_FIRST] = start_times.process_age() - (time.time() - exchanges[0].ended)
        self._pending += exchanges
        # Where another thread counts just now, this one does not wait for it.
        if len(self._pending) >= _MANY and self._lock.acquire(blocking=False):
            try:
                self._count()
            finally:
                self._lock.release()
            return True
        return False

    def _count(self) -> None:
        pending = self._pending[:]
        del self._pending[: len(pending)]  # others may have appended meanwhile
        for (purpose, protocol, code, reason, fast), count in Counter(map(_LABELS_OF, pending)).items():
            if purpose:
                self._apart[purpose, protocol, code] += count
                continue
            self._requests[protocol, code] += count
            if reason:
                self._rejects[reason] += count
            if fast:
                self._fast[protocol] += count
        seconds: dict[str, list[list[float]]] = {}
        rows: Counter[str] = Counter()
        for exchange in pending:
            if not exchange.purpose:
                seconds.setdefault(exchange.protocol, []).append(exchange.seconds)
                rows[exchange.protocol] += exchange.rows
        self._rows += rows  # which keeps those that are positive alone
        for protocol, of_requests in seconds.items():
            times = np.array(of_requests)
            self._count_whole(protocol, times)
            self._count_stages(protocol, times)

    def _count_stages(self, protocol: str, times: np.ndarray) -> None:
        """Each stage of requests: `times` of shape [requests, stages], less than 0 where a request did not reach it."""
        reached = times >= 0
        places = np.searchsorted(BUCKETS, times) + _BEGINS
        counts = np.bincount(places[reached], minlength=len(STAGES) * len(_ENDS)).reshape(len(STAGES), len(_ENDS))
        self._stages[protocol] = self._stages.get(protocol, 0) + counts
        self._stage_sums[protocol] = self._stage_sums.get(protocol, 0.0) + times.sum(axis=0, where=reached)

    def _count_whole(self, protocol: str, times: np.ndarray) -> None:
        """Whole requests that got a prediction: `times` of shape [requests, stages]."""
        answered = times[times[:, -1] >= 0]
        if len(answered):
            whole = np.maximum(answered, 0).sum(axis=1)
            counts = self._whole.setdefault(protocol, np.zeros(len(_REQUEST_ENDS), dtype=np.int64))
            counts += np.bincount(np.searchsorted(latency_edges.EDGES, whole), minlength=len(_REQUEST_ENDS))
            self._whole_sums[protocol] += float(whole.sum())  # type: ignore[assignment]  # it adds floats too

    def reject(self, reason: str) -> None:
        """A connection that never became a request, or an answer nobody took."""
        self._rejects[reason] += 1

    def collect(self) -> Iterator[Metric]:
        """The families of one scrape, some of them a Block. May be called from any thread."""
        self._drift.flush()
        with self._lock:
            self._count()
            requests_of, fast, rows = self._requests.copy(), self._fast.copy(), self._rows.copy()
            apart, whole_sums = self._apart.copy(), self._whole_sums.copy()
            whole = {protocol: counts.tolist() for protocol, counts in self._whole.items()}
            stages = {protocol: counts.tolist() for protocol, counts in self._stages.items()}
            stage_sums = {protocol: sums.tolist() for protocol, sums in self._stage_sums.items()}
        digest, release = self._model["digest"], self._model["release"]
        yield InfoMetricFamily("modelpin_build", "What serves", self._build)
        yield InfoMetricFamily("modelpin_model", "What is served", self._model)
        requests = CounterMetricFamily(
            "modelpin_requests", "Answered infer requests", labels=("protocol", "code", "digest", "release")
        )
        for (protocol, code), count in sorted(requests_of.items()):
            requests.add_metric((protocol, code, digest, release), count)
        yield requests
        yield _counter("modelpin_fast_requests", "Requests answered on the fast path", "protocol", fast)
        yield _counter("modelpin_rejects", "Requests not answered with a prediction", "reason", self._rejects.copy())
        yield _counter("modelpin_rows", "Rows predicted", "protocol", rows)
        latency = HistogramMetricFamily(
            "modelpin_stage_seconds", "Time of a request in each stage", labels=("stage", "protocol")
        )
        for number, stage in sorted(enumerate(STAGES), key=itemgetter(1)):
            for protocol, of_stages in sorted(stages.items()):
                if any(of_stages[number]):
                    buckets = list(zip(_ENDS, accumulate(of_stages[number]), strict=True))
                    latency.add_metric((stage, protocol), buckets, stage_sums[protocol][number])
        yield latency
        named = ("protocol", "digest", "release")
        latency = HistogramMetricFamily("modelpin_request_seconds", "Time of a request that was answered", labels=named)
        for protocol, counts in sorted(whole.items()):
            buckets = list(zip(_REQUEST_ENDS, accumulate(counts), strict=True))
            latency.add_metric((protocol, digest, release), buckets, whole_sums[protocol])
        yield latency
        yield from self._few(apart)
        for name, read in self._gauges.items():
            yield GaugeMetricFamily(f"modelpin_{name}", name.replace("_", " "), read())
        for name, read in self._counters.items():
            yield CounterMetricFamily(f"modelpin_{name}", name.replace("_", " "), read())
        yield from cast(Iterator[Metric], self._distributions())

    def _few(self, apart: Mapping[tuple[str, str, str], int]) -> Iterator[Metric]:
        digest, release = self._model["digest"], self._model["release"]
        named = ("purpose", "protocol", "code", "digest", "release")
        counter = CounterMetricFamily("modelpin_apart_requests", "Requests that are no user's", labels=named)
        for key, count in sorted(apart.items()):
            counter.add_metric((*key, digest, release), count)
        yield counter
        phases = ("phase", "digest", "release")
        start = GaugeMetricFamily("modelpin_start_seconds", "Seconds that the phases of the start took", labels=phases)
        for phase, seconds in self._start_seconds.copy().items():
            start.add_metric((phase, digest, release), seconds)
        yield start

    @cached_property
    def _labels(self) -> Mapping[str, Labels]:
        """Labels of the families that have a sample a feature or a bin; they never change."""
        features, outputs = self._drift.features.items(), self._drift.outputs.items()
        values: dict[str, list[tuple[str, ...]]] = {
            "input_bin": [(name, label) for name, distribution in features for label in distribution.bins],
            "input_missing": [(name,) for name, _ in features],
            "input_out_of_range": [(name,) for name, distribution in features if distribution.numeric],
            "input_unseen": [(name,) for name, distribution in features if not distribution.numeric],
            "predictions": [(name, label) for name, distribution in outputs for label in distribution.bins],
            "confidence": [(name,) for name in confidence.NAMES],
        }
        names = {
            "input_bin": ("feature", "bin"),
            "predictions": ("output", "bin"),
            "confidence": ("bin",),
        }
        return {name: Labels(names.get(name, ("feature",)), each) for name, each in values.items()}

    def _distributions(self) -> Iterator[Block]:
        features, labels = self._drift.features.values(), self._labels
        live = np.concatenate([distribution.counts for distribution in features])
        trained = np.array([count for distribution in features for count in distribution.expected])
        counts = {
            "input_missing": ("Missing values", [distribution.missing for distribution in features]),
            "input_out_of_range": (
                "Numbers outside the range of training",
                [distribution.out_of_range for distribution in features if distribution.numeric],
            ),
            "input_unseen": (
                "Categories that training did not have",
                [distribution.unseen for distribution in features if not distribution.numeric],
            ),
        }
        text, same = "Values answered, by bin of the reference profile", "The same in training"
        yield Block("modelpin_input_bin", text, "counter", labels["input_bin"], live)
        yield Block("modelpin_reference_input_bin", same, "gauge", labels["input_bin"], trained)
        for name, (text, values) in counts.items():
            yield Block(f"modelpin_{name}", text, "counter", labels[name], np.array(values, dtype=np.int64))
        yield from self._answers()
        if self._drift.certainty is not None:
            yield from self._certainty(self._drift.certainty)

    def _answers(self) -> Iterator[Block]:
        outputs, labels = self._drift.outputs.values(), self._labels["predictions"]
        live = np.concatenate([distribution.counts for distribution in outputs])
        held_out = np.array([count for distribution in outputs for count in distribution.expected])
        yield Block("modelpin_predictions", "Answers by class, or bin of the profile", "counter", labels, live)
        yield Block("modelpin_reference_predictions", "The same of held-out rows", "gauge", labels, held_out)

    def _certainty(self, reference: Mapping[str, Any]) -> Iterator[Block]:
        labels, text = self._labels["confidence"], "Answers by the probability of their label"
        live = self._drift.certainties
        yield Block("modelpin_confidence", text, "counter", labels, live)
        text = "The same of held-out rows"
        yield Block("modelpin_reference_confidence", text, "gauge", labels, np.array(reference["counts"]))
        text = "Share of answers that held-out rows say are right there"
        yield Block("modelpin_reference_accuracy", text, "gauge", labels, np.array(reference["calibrated"]))


def _counter(name: str, text: str, label: str, counts: Counter[str]) -> Metric:
    family = CounterMetricFamily(name, text, labels=(label,))
    for value, count in sorted(counts.items()):
        family.add_metric((value,), count)
    return family
