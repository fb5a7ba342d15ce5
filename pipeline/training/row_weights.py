"""How much each row counts while a model is fitted: by a column of the table, by its class, or both."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from artifact.errors import ConfigurationError
from artifact.signature import label_text
from pipeline.params.params import Params


def of(params: Params, target: np.ndarray, column: np.ndarray | None) -> np.ndarray | None:
    """The weights, [rows]; None where all rows count alike. `column` are those of data.weight.

    ConfigurationError (10) for weights of classes that the target does not have, or has not.
    """
    declared = params.train.class_weight
    if declared is None:
        return column
    if params.model.task != "classification":
        raise ConfigurationError(f"params.yaml: train.class_weight: a {params.model.task} has no classes to weigh")
    by_class: Any = declared
    if declared != "balanced":
        names = {label_text(value): value for value in np.unique(target.astype(object)).tolist()}
        if names.keys() != set(declared):
            odd = min(names.keys() ^ set(declared))
            raise ConfigurationError(
                f"params.yaml: train.class_weight: {odd!r} is in the target or among the weights, not in both; "
                f"name a weight for each of {', '.join(sorted(names))}"
            )
        by_class = {names[name]: weight for name, weight in declared.items()}
    weights: np.ndarray = compute_sample_weight(by_class, target)
    return weights if column is None else weights * column


def as_parameter(model: Pipeline, weights: np.ndarray | None) -> dict[str, np.ndarray]:
    """What `model.fit` takes of the weights; ConfigurationError (10) where its estimator takes none."""
    if weights is None:
        return {}
    estimator = model.steps[-1][1]
    if not has_fit_parameter(estimator, "sample_weight"):
        raise ConfigurationError(
            f"params.yaml: {type(estimator).__name__} takes no weights of rows; use another estimator, or do without "
            "data.weight and train.class_weight"
        )
    return {"estimator__sample_weight": weights}
