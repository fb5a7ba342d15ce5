"""What is told of each request after its answer: metrics, live distributions, the request log, the inference log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifact.signature import Signature
from predictor.observe.drift import Drift
from predictor.observe.exchange import Exchange, Predicted
from predictor.observe.inference_log import InferenceLog, Policy
from predictor.observe.metrics import Metrics
from predictor.observe.request_log import LogWriter, RequestLog
from predictor.settings import Settings


class Observers:
    """The observers of one model. Only `observe` may be called from other threads than the event loop's."""

    def __init__(
        self,
        model: Mapping[str, str],
        signature: Signature,
        profile: Mapping[str, Any],
        settings: Settings,
        gauges: Mapping[str, Callable[[], float]],
        start_seconds: Mapping[str, float],
    ) -> None:
        """`model` labels the model: model, digest, release, task, engine. `profile`: the artifact's reference profile.

        `gauges` are read at each scrape; `start_seconds`: what the phases of the start took until now.
        """
        self._output = LogWriter()
        self._request_log = RequestLog(model["model"], model["digest"], settings.log_sampling, self._output.write)
        self._inference_log: InferenceLog | None = None
        if settings.inference_log != "off":
            self._inference_log = InferenceLog(
                Path(settings.inference_log), Policy.of(settings), signature, model["digest"], model["release"]
            )
        self.drift = Drift(signature, profile)
        counters = {
            "log_lines_dropped": lambda: self._output.dropped,
            "inference_logged": lambda: self._inference_log.logged if self._inference_log else 0,
            "inference_dropped": lambda: self._inference_log.dropped if self._inference_log else 0,
        }
        self.metrics = Metrics(model, self.drift, gauges, counters, start_seconds)

    def count(self, exchanges: Sequence[Exchange]) -> bool:
        """Log requests that have their answers, and remember them for the metrics; whether that counted many of them.

        `drift.count_soon` is to follow on the event loop.
        """
        for exchange in exchanges:
            self.observe(exchange)
            self._request_log.write(exchange)
        return self.metrics.count(exchanges)

    def join(self, exchanges: Sequence[Exchange], shared: Predicted) -> None:
        """Let the first of `exchanges`, users' requests, have the rows and answers of all of them, unless each is
        logged by itself: one table is counted several times as fast as its rows one by one.
        """
        if self._inference_log is None:
            for exchange in exchanges:
                exchange.predicted = None
            exchanges[0].predicted = shared

    def observe(self, exchange: Exchange, *, in_thread: bool = False) -> None:
        """Remember what was predicted, once. From any thread; one other than the event loop's says that it is
        `in_thread`, and counts a long table itself.
        """
        if exchange.predicted is not None:
            (columns, prediction), exchange.predicted = exchange.predicted, None
            self.drift.observe(columns, prediction, may_count=in_thread)
            if self._inference_log is not None:
                self._inference_log.observe(exchange.request_id, columns, prediction)

    def close(self) -> None:
        """Write what the two logs hold, at the end."""
        self._output.close()
        if self._inference_log is not None:
            self._inference_log.close()
