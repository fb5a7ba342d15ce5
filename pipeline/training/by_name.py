"""Parameters of an estimator that name columns: behind a preprocessing it knows columns by index only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from artifact.engines.boosted import BoostedClassifier, BoostedRegressor
from artifact.errors import ConfigurationError
from pipeline.params.messages import near

_MONOTONIC = ("monotonic_cst", "monotone_constraints")  # scikit-learn's, and that of LightGBM and XGBoost
_CATEGORICAL = "categorical_features"


def resolved(model: Pipeline, frame: pd.DataFrame, target: np.ndarray | None) -> Pipeline:
    """`model` with monotonic_cst or monotone_constraints (name → -1, 0 or 1) and categorical_features (names) of its
    estimator as lists by index; `model` itself where they name nothing, or where the estimator sees the columns of
    `frame` by name.

    A name is that of a column as the preprocessing hands it on: of the feature itself, or of what a step makes of it,
    such as city_Bonn. ConfigurationError (10) for one that is not there.
    """
    if len(model.steps) == 1 and not isinstance(model.steps[-1][1], BoostedClassifier | BoostedRegressor):
        return model
    places: dict[str, Any] = {}
    names: list[str] = []
    for parameter, value in model.steps[-1][1].get_params(deep=True).items():
        kind = parameter.rpartition("__")[2]
        if kind in _MONOTONIC and isinstance(value, Mapping):
            names = names or _names(model, frame, target)
            signs = {_place(name, names, kind): sign for name, sign in value.items()}
            places[parameter] = [signs.get(place, 0) for place in range(len(names))]
        elif kind == _CATEGORICAL and isinstance(value, list) and value and all(type(name) is str for name in value):
            names = names or _names(model, frame, target)
            places[parameter] = [_place(name, names, kind) for name in value]
    return clone(model).set_params(**{f"estimator__{name}": value for name, value in places.items()})


def _names(model: Pipeline, frame: pd.DataFrame, target: np.ndarray | None) -> list[str]:
    """The columns behind the preprocessing, without the names of its blocks."""
    if len(model.steps) == 1:
        return list(map(str, frame.columns))
    fitted = clone(model[:-1]).fit(frame, target)
    return [str(name).partition("__")[2] for name in fitted.get_feature_names_out()]


def _place(name: str, names: list[str], parameter: str) -> int:
    if names.count(name) != 1:
        problem = "is no column" if name not in names else "is several columns"
        raise ConfigurationError(
            f"params.yaml: train.parameters.{parameter} names {name!r}, which {problem} behind the preprocessing"
            f"{near(name, names)}"
        )
    return names.index(name)
