"""What was asked and answered: gathered with an append, and counted many requests at a time, off the event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np

from artifact import confidence, profile
from artifact.live_counts import Distribution, FeatureDistributions
from artifact.prediction import Columns, Prediction, together
from artifact.signature import Signature

_ROWS = 128  # counted at once ...
_CELLS = 1 << 16  # ... or as many values: each waits in an array of its own, some hundred bytes


class Drift:
    """Live distributions of the inputs and of the predictions. What waits to be counted is bounded, and none is lost.

    A request is gathered by the thread that answers it. Where that is the event loop, a thread of this object counts;
    should that fall behind, the loop counts one request for each it gathers.
    """

    def __init__(self, signature: Signature, reference: Mapping[str, Any]) -> None:
        """`reference`: the profile of the artifact, as `artifact.profile.read` gives it."""
        self._signature = signature
        self.inputs = FeatureDistributions(signature, reference["features"])
        known = reference["outputs"]  # an artifact of version 1 describes the first output alone
        self.outputs = {
            name: Distribution(known[name], dtype == "bool")
            for name, dtype, _ in profile.series(signature)
            if name in known
        }
        self.certainty = reference["confidence"]
        self.certainties = np.zeros(confidence.BINS, dtype=np.int64)
        self._rows = max(1, min(_ROWS, _CELLS // len(signature.inputs)))
        self._pending: deque[tuple[Columns, Prediction]] = deque()
        self._waiting = 0  # rows, about: two threads may change it at once
        self._counts = Lock()  # held while counts of predictions change
        self._flush = Lock()  # held while anything is taken to be counted
        self._thread = ThreadPoolExecutor(1, "count")
        self._counting: Future[None] | None = None

    @property
    def features(self) -> Mapping[str, Distribution]:
        """The distribution of each feature."""
        return self.inputs.features

    def observe(self, columns: Columns, prediction: Prediction) -> None:
        """Remember one request that the event loop answers: `columns` of [rows] by feature, and what was answered."""
        self._remember(columns, prediction)
        if self._waiting < self._rows:
            return
        if self._counting is None or self._counting.done():
            self._counting = self._thread.submit(self.flush)
        elif self._waiting >= 2 * self._rows:
            self._count(self._take(1))

    def observe_here(self, columns: Columns, prediction: Prediction) -> None:
        """As `observe`, for a request that another thread answers; that thread also counts."""
        self._remember(columns, prediction)
        if self._waiting >= self._rows:
            self.flush()

    def flush(self) -> None:
        """Count all that was remembered before."""
        with self._flush:
            while batch := self._take(self._rows):
                self._count(batch)

    def _remember(self, columns: Columns, prediction: Prediction) -> None:
        self._waiting += len(prediction.values)
        self._pending.append((columns, prediction))

    def _take(self, most: int) -> list[tuple[Columns, Prediction]]:
        batch: list[tuple[Columns, Prediction]] = []
        while len(batch) < most:
            try:
                batch.append(self._pending.popleft())
            except IndexError:
                self._waiting = 0
                break
            self._waiting -= len(batch[-1][1].values)
        return batch

    def _count(self, batch: list[tuple[Columns, Prediction]]) -> None:
        if not batch:
            return
        self.inputs.add([columns for columns, _ in batch])
        answers = together([prediction for _, prediction in batch])
        parts = zip(profile.series(self._signature), profile.split(self._signature, answers), strict=True)
        sure = None if self.certainty is None else confidence.of(self._signature, answers)
        with self._counts:
            for (name, _, _), values in parts:
                if name in self.outputs:
                    self.outputs[name].add(values)
            if sure is not None:
                self.certainties += np.bincount(confidence.bins_of(sure), minlength=confidence.BINS)
