"""The scikit-learn engine: the fitted Pipeline itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.pipeline import Pipeline

from artifact.engines.table import MODEL
from artifact.output import LOWER, UPPER
from artifact.prediction import PROBABILITIES, Columns, Prediction
from artifact.signature import Signature
from artifact.unpickling import unpickle


def load(files: Mapping[str, bytes], signature: Signature) -> SklearnRunner:
    """The Pipeline in model.joblib; raises what unpickling raises."""
    return SklearnRunner(unpickle.loads(files[MODEL]), signature)


class SklearnRunner:
    """Predicts with scikit-learn's own methods, so that the answers are its answers to the bit.

    The label is not derived from the probabilities: for some estimators (SVC) the two disagree by design. The checks of
    its parameters are switched off, since nothing changes them. The checks of numbers stay: a preprocessing may make
    more of one than the estimator takes, which then raises, as it does offline.
    """

    alone = True

    def __init__(self, model: Any, signature: Signature) -> None:
        self._model = _single_threaded(model)
        self._signature = signature
        self._answer = {
            "classification": self._labels,
            "regression": self._numbers,
            "multilabel": self._flags,
            "multioutput": self._several,
            "outliers": self._outliers,
        }[signature.task]
        self._probabilities = any(output.name == PROBABILITIES for output in signature.outputs)
        self._width = len(signature.outputs[0].columns or ())

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        # The frame of `artifact.validation.frame`: transformers select its columns by name. It is a copy, since one may
        # write into it, and drift and the logs count what is in `columns`.
        table = pd.DataFrame({name: columns[name] for name in self._signature.names}, copy=True)
        with config_context(skip_parameter_validation=True):
            return self._answer(table)

    def _labels(self, table: pd.DataFrame) -> Prediction:
        estimator, prepared = self._prepared(table)
        values = np.asarray(estimator.predict(prepared))
        return Prediction(values, estimator.predict_proba(prepared) if self._probabilities else None)

    def _numbers(self, table: pd.DataFrame) -> Prediction:
        values = np.asarray(self._model.predict(table)).astype(np.float64, copy=False)
        if len(self._signature.outputs) == 1:
            return Prediction(values.reshape((len(table), self._width) if self._width else len(table)))
        # The estimator answers its quantiles side by side: artifact.quantile_interval.
        prediction, lower, upper = np.ascontiguousarray(values.T)
        return Prediction(prediction, None, {LOWER: lower, UPPER: upper})

    def _flags(self, table: pd.DataFrame) -> Prediction:
        estimator, prepared = self._prepared(table)
        values = np.asarray(estimator.predict(prepared)).reshape(len(table), self._width) == 1
        if not self._probabilities:
            return Prediction(values)
        return Prediction(values, true_probabilities(estimator.predict_proba(prepared)))

    def _several(self, table: pd.DataFrame) -> Prediction:
        estimator, prepared = self._prepared(table)
        values = estimator.predict(prepared)
        return Prediction(values, estimator.predict_proba(prepared) if self._probabilities else None)

    def _outliers(self, table: pd.DataFrame) -> Prediction:
        score = -np.asarray(self._model.decision_function(table), dtype=np.float64).reshape(len(table))
        return Prediction(np.asarray(self._model.predict(table)) == -1, None, {"score": score})

    def _prepared(self, table: pd.DataFrame) -> tuple[Any, Any]:
        """The last step of the Pipeline, and the table as the steps before make it: once, not for each question."""
        if type(self._model) is not Pipeline:
            return self._model, table
        prepared: Any = table
        for _, step in self._model.steps[:-1]:
            if step not in (None, "passthrough"):
                prepared = step.transform(prepared)
        return self._model.steps[-1][1], prepared


def true_probabilities(answered: Any) -> np.ndarray:
    """What predict_proba of a multilabel estimator answers, as the probability of each label, [rows, labels].

    Some answer that, others a list of [rows, 2], one a label (https://scikit-learn.org/stable/modules/multiclass.html).
    """
    if isinstance(answered, list):
        return np.column_stack([pair[:, 1] for pair in answered])
    return np.asarray(answered, dtype=np.float64)


def _single_threaded(model: Any) -> Any:
    """A pod's share of a core is less than one, and handing a row to a pool costs more than a tree."""
    if hasattr(model, "get_params"):
        wide = {name: 1 for name in model.get_params() if name.rpartition("__")[2] == "n_jobs"}
        model.set_params(**wide)
    return model
