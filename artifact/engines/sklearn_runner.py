"""The scikit-learn engine: the fitted Pipeline itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import config_context

from artifact.prediction import Columns, Prediction
from artifact.signature import Signature
from artifact.validation.frame import from_columns


class SklearnRunner:
    """Predicts with scikit-learn's own methods, so that the answers are its answers to the bit.

    The label is not derived from the probabilities: for some estimators (SVC) the two disagree by design. The checks of
    its parameters are switched off, since nothing changes them. The checks of numbers stay: a preprocessing may make
    more of one than the estimator takes, which then raises, as it does offline.
    """

    def __init__(self, model: Any, signature: Signature) -> None:
        self._model = _single_threaded(model)
        self._signature = signature
        self._probabilities = any(output.name == "probabilities" for output in signature.outputs)
        self._regression = signature.task == "regression"

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        table = from_columns(self._signature, columns)
        with config_context(skip_parameter_validation=True):
            values = np.asarray(self._model.predict(table))
            if self._regression:
                return Prediction(values.astype(np.float64, copy=False).reshape(len(table)), None)
            return Prediction(values, self._model.predict_proba(table) if self._probabilities else None)


def _single_threaded(model: Any) -> Any:
    """A pod's share of a core is less than one, and handing a row to a pool costs more than a tree."""
    if hasattr(model, "get_params"):
        wide = {name: 1 for name in model.get_params() if name.rpartition("__")[2] == "n_jobs"}
        model.set_params(**wide)
    return model
