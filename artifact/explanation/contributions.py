"""What each column behind the preprocessing adds to the scores of a fitted estimator.

Linear: the coefficient times the distance from the mean. Trees: Shapley values along the paths (Lundberg et al., From
local explanations to global understanding with explainable AI for trees, 2020), by the libraries' own code for LightGBM
and XGBoost, and by the package shap for scikit-learn's.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import ensemble, tree

from artifact.engines.boosted import BoostedClassifier, BoostedRegressor
from artifact.errors import IncompatibleError
from artifact.explanation.explanation import NotApplicable
from artifact.extras import remedy

# Numbers [rows, columns] → the base of each output, and [rows, outputs, columns].
Contribute = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
_FORESTS = (
    *(ensemble.ExtraTreesClassifier, ensemble.ExtraTreesRegressor),
    *(ensemble.RandomForestClassifier, ensemble.RandomForestRegressor),
    *(tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, tree.ExtraTreeClassifier, tree.ExtraTreeRegressor),
)
_BOOSTING = (
    *(ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor),
    *(ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor),
)


def is_trees(estimator: Any) -> bool:
    """Whether `trees` takes it apart."""
    return type(estimator) in (BoostedClassifier, BoostedRegressor, *_FORESTS, *_BOOSTING)


def is_linear(estimator: Any) -> bool:
    """Whether `linear` takes it apart."""
    return hasattr(estimator, "coef_") and hasattr(estimator, "intercept_")


def linear(estimator: Any, means: np.ndarray) -> Contribute:
    """For an estimator with coef_, [outputs, columns] or [columns], and intercept_."""
    weights = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    base = weights @ means + np.broadcast_to(np.ravel(estimator.intercept_), len(weights))

    def contribute(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return base, (numbers - means)[:, None, :] * weights[None, :, :]

    return contribute


def trees(estimator: Any) -> Contribute:
    """For a booster, a forest, or a tree. IncompatibleError (22) without the extra that it takes."""
    if isinstance(estimator, BoostedClassifier | BoostedRegressor):
        return lambda numbers: _split(estimator.contributions(numbers))
    try:
        shap = importlib.import_module("shap")
    except ImportError as error:
        raise IncompatibleError(f"explanations of trees need the extra shap: {error}; {remedy(['shap'])}") from error
    try:
        explainer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
    except Exception as error:
        raise NotApplicable(f"shap does not take {type(estimator).__name__} apart: {error!s:.150}") from error

    def contribute(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = np.asarray(explainer.shap_values(numbers, check_additivity=False))
        values = values[:, None, :] if values.ndim == 2 else values.transpose(0, 2, 1)
        base = np.broadcast_to(np.ravel(explainer.expected_value), values.shape[1])
        # Of two probabilities that are 1 together, one is told.
        two = isinstance(estimator, _FORESTS) and len(getattr(estimator, "classes_", ())) == 2
        return (base[1:], values[:, 1:]) if two else (base, values)

    return contribute


def scores(estimator: Any, numbers: np.ndarray) -> np.ndarray:
    """What the contributions add up to, [rows, outputs]: the estimator's own score, before any link."""
    if isinstance(estimator, BoostedClassifier | BoostedRegressor):
        raw = estimator.margins(numbers)
    elif hasattr(estimator, "decision_function"):
        raw = estimator.decision_function(numbers)
    elif hasattr(estimator, "predict_proba"):
        raw = estimator.predict_proba(numbers)
        raw = raw[:, 1:] if raw.shape[1] == 2 else raw
    else:
        raw = estimator.predict(numbers)
    return np.asarray(raw, dtype=np.float64).reshape(len(numbers), -1)


def _split(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The libraries answer [rows, outputs, columns and the base]."""
    return values[0, :, -1], values[:, :, :-1]
