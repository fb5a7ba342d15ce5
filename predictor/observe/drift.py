"""What was asked and answered: gathered with an append, and counted many requests at a time, after the answers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np

from artifact import confidence, profile
from artifact.live_counts import MANY_ROWS, Distribution, FeatureDistributions
from artifact.prediction import Columns, Prediction, together
from artifact.signature import Signature

_TABLES = 64  # counted at once: each has the rows of one request, or of several that were predicted in one call
_SOME, _ROWS = 16, 128  # tables that are enough where they have as many rows: a turn of the event loop stays short
# Of at most so many features MANY_ROWS are enough, whatever they are in: from there on a row costs least. Of more
# features so many values are enough: what waits longer has left the processor's cache.
_MANY_FEATURES, _CELLS = 32, 1 << 14
_SHORT_CELLS = 1 << 15  # of one request: the event loop counts them in less than a millisecond


class Drift:
    """Live distributions of the inputs and of the predictions. What waits to be counted is bounded, and none is lost.

    The event loop counts in a turn of its own, behind the answers of the turn before. A thread beside it would hold the
    interpreter's lock for up to 5 ms while the loop waits to answer. A long table is counted by the thread that made
    its answer.
    """

    def __init__(self, signature: Signature, reference: Mapping[str, Any]) -> None:
        """`reference`: the profile of the artifact, as `artifact.profile.read` gives it."""
        self._signature = signature
        self.inputs = FeatureDistributions(signature, reference["features"])
        outputs = reference["outputs"]  # an artifact of version 1 describes the first output alone
        self.outputs = {
            name: Distribution(outputs[name], dtype == "bool")
            for name, dtype, _ in profile.series(signature)
            if name in outputs
        }
        self.certainty = reference["confidence"]
        self.certainties = np.zeros(confidence.BINS, dtype=np.int64)
        features = len(signature.inputs)
        self._rows = MANY_ROWS if features <= _MANY_FEATURES else _CELLS // features
        self._short_rows = _SHORT_CELLS // features
        self._pending: deque[tuple[Columns, Prediction]] = deque()
        self._waiting = 0  # rows, about: two threads may change it at once
        self._counting = Lock()  # held while anything is taken to be counted, and while counts change
        self._due = False  # the event loop will count in a turn to come

    @property
    def features(self) -> Mapping[str, Distribution]:
        """The distribution of each feature."""
        return self.inputs.features

    def observe(self, columns: Columns, prediction: Prediction, *, may_count: bool = False) -> None:
        """Remember one request: `columns` of [rows] by feature, and what was answered. From any thread; the event loop
        calls `count_soon` behind it. A thread other than that `may_count` what is too long for the event loop.
        """
        self._pending.append((columns, prediction))
        self._waiting += len(prediction.values)
        if may_count and self._waiting > self._short_rows:
            self.flush()

    def count_soon(self, *, after: bool = False) -> None:
        """Count in the next turn of this thread's event loop, where enough waits for that: twice as much right `after`
        other counts, so that a request seldom waits for both.
        """
        least = 1 + after
        tables, rows = len(self._pending) // least, self._waiting // least
        enough = tables >= _TABLES or rows >= self._rows or (tables >= _SOME and rows >= _ROWS)
        if enough and not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._count_now)

    def flush(self) -> None:
        """Count all that was remembered before."""
        with self._counting:
            self._count_all()

    def _count_now(self) -> None:
        self._due = False
        if self._counting.acquire(blocking=False):  # who holds it counts what waits
            try:
                self._count_all()
            finally:
                self._counting.release()

    def _count_all(self) -> None:
        while batch := self._take():
            self._count(batch)

    def _take(self) -> list[tuple[Columns, Prediction]]:
        batch: list[tuple[Columns, Prediction]] = []
        while len(batch) < _TABLES:
            try:
                batch.append(self._pending.popleft())
            except IndexError:
                self._waiting = 0
                break
            self._waiting -= len(batch[-1][1].values)
        return batch

    def _count(self, batch: list[tuple[Columns, Prediction]]) -> None:
        self.inputs.add([columns for columns, _ in batch])
        answers = together([prediction for _, prediction in batch])
        parts = zip(profile.series(self._signature), profile.split(self._signature, answers), strict=True)
        for (name, _, _), values in parts:
            if name in self.outputs:
                self.outputs[name].add(values)
        if self.certainty is not None and (sure := confidence.of(self._signature, answers)) is not None:
            self.certainties += np.bincount(confidence.bins_of(sure), minlength=confidence.BINS)
