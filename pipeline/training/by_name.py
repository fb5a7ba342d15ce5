"""Parameters of an estimator that name columns: behind a preprocessing, it counts them by their places there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from artifact.errors import ConfigurationError
from pipeline.params.messages import near

_MONOTONIC, _CATEGORICAL = "monotonic_cst", "categorical_features"


def resolved(model: Pipeline, frame: pd.DataFrame, target: np.ndarray) -> Pipeline:
    """`model` with monotonic_cst (name → -1, 0 or 1) and categorical_features (names) of its estimator as lists by
    place; `model` itself where they name nothing, or where the estimator sees the columns of `frame` by name.

    A name is that of a column as the preprocessing hands it on: of the feature itself, or of what a step makes of it,
    such as city_Bonn. ConfigurationError (10) for one that is not there.
    """
    parameters = model.steps[-1][1].get_params(deep=False)
    constraints, categories = parameters.get(_MONOTONIC), parameters.get(_CATEGORICAL)
    by_place: dict[str, Any] = {}
    if len(model.steps) == 1:
        return model
    if isinstance(constraints, Mapping):
        names = _names(model, frame, target)
        places = {name: _place(name, names, _MONOTONIC) for name in constraints}
        by_place[_MONOTONIC] = [0] * len(names)
        for name, place in places.items():
            by_place[_MONOTONIC][place] = constraints[name]
    if isinstance(categories, list) and categories and all(isinstance(name, str) for name in categories):
        names = _names(model, frame, target)
        by_place[_CATEGORICAL] = [_place(name, names, _CATEGORICAL) for name in categories]
    return clone(model).set_params(**{f"estimator__{name}": value for name, value in by_place.items()})


def _names(model: Pipeline, frame: pd.DataFrame, target: np.ndarray) -> list[str]:
    """The columns behind the preprocessing, without the names of its blocks."""
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
