"""A classifier of several labels a row, each one of several classes: any classifier of scikit-learn that takes many."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if


def _gives_probabilities(model: Any) -> bool:
    return hasattr(getattr(model, "estimator_", model.estimator), "predict_proba")


class SeveralLabels(ClassifierMixin, BaseEstimator):
    """`estimator` is fitted to the places of the labels: scikit-learn takes texts of one target, but not of several.

    `classes_` has an array of classes for each target.
    """

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to labels [rows, targets]; ValueError where the estimator takes no table of labels."""
        columns = np.asarray(y).T
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        encoded = [np.unique(column, return_inverse=True) for column in columns]
        self.classes_ = [classes for classes, _ in encoded]
        self.estimator_ = clone(self.estimator).fit(X, np.column_stack([places for _, places in encoded]), **weights)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The labels, [rows, targets], of the type of the classes."""
        places = np.asarray(self.estimator_.predict(X)).astype(np.int64)
        each = [classes[place] for classes, place in zip(self.classes_, places.T, strict=True)]
        return np.stack(each, axis=1)

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities of the classes of the first target, then of the next: [rows, all classes]."""
        return np.concatenate(self.estimator_.predict_proba(X), axis=1)
