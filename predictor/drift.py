"""What was asked and answered, gathered cheaply and counted by the column, many requests at a time."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np

from artifact.distribution import Distribution
from artifact.signature import Signature

_ROWS = 128  # counted at once: a request alone pays for an append


class Drift:
    """Live distributions of the inputs and of the predictions. `observe` and `flush` may be called from any thread."""

    def __init__(self, signature: Signature, profile: Mapping[str, Any]) -> None:
        self.features = {
            feature.name: Distribution(profile["features"][feature.name], feature.dtype == "bool")
            for feature in signature.inputs
        }
        self.prediction = Distribution(profile["prediction"], signature.outputs[0].dtype == "bool")
        self._pending: list[tuple[Any, np.ndarray]] = []
        self._rows = 0
        self._lock = Lock()

    def observe(self, columns: Any, values: np.ndarray) -> None:
        """Remember one answered request: `columns` gives an array of [rows] by feature name, `values` is [rows]."""
        self._pending.append((columns, values))
        self._rows += len(values)
        if self._rows >= _ROWS and self._lock.acquire(blocking=False):  # who holds it counts, nobody waits
            try:
                self._count()
            finally:
                self._lock.release()

    def flush(self) -> None:
        """Count what is remembered."""
        with self._lock:
            self._count()

    def _count(self) -> None:
        pending = self._pending[:]
        del self._pending[: len(pending)]  # others may have appended meanwhile
        self._rows = 0
        if not pending:
            return
        for name, distribution in self.features.items():
            distribution.add(_together([columns[name] for columns, _ in pending]))
        self.prediction.add(_together([values for _, values in pending]))


def _together(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
