"""Engines: what turns a frame into predictions. One for now, scikit-learn itself.

The manifest names the engine; `runner` is the only place that reads the name, so a second engine is a second branch
there and nothing else changes for its callers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from artifact.errors import IncompatibleError
from artifact.signature import Signature

SKLEARN = "sklearn"


@dataclass(frozen=True)
class Prediction:
    """Answers for one frame.

    `values`: shape [rows]; labels in the target's own type, or float64 for a regression.
    `probabilities`: float64, shape [rows, classes], in the order of the signature; None where the model has none.
    """

    values: np.ndarray
    probabilities: np.ndarray | None


class Runner(Protocol):
    """Predicts on frames made by `artifact.validation`."""

    def predict(self, frame: pd.DataFrame) -> Prediction: ...


class SklearnRunner:
    """The fitted Pipeline itself."""

    def __init__(self, model: Any, signature: Signature) -> None:
        self._model = model
        self._probabilities = any(output.name == "probabilities" for output in signature.outputs)
        self._regression = signature.task == "regression"

    def predict(self, frame: pd.DataFrame) -> Prediction:
        """Predict `frame`; both answers come from scikit-learn's own methods, so that they are its answers to the bit.

        The label is not derived from the probabilities: for some estimators (SVC) the two disagree by design.
        """
        values = np.asarray(self._model.predict(frame))
        if self._regression:
            return Prediction(values.astype(np.float64, copy=False).reshape(len(frame)), None)
        return Prediction(values, self._model.predict_proba(frame) if self._probabilities else None)


def runner(engine: str, model: Any, signature: Signature) -> Runner:
    """The runner of the engine a manifest names; IncompatibleError for one this version does not have."""
    if engine != SKLEARN:
        raise IncompatibleError(
            f"engine {engine!r} is not one this predictor has ({SKLEARN}); serve it with the image it was released with"
        )
    return SklearnRunner(model, signature)
