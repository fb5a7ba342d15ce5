"""Estimators and transformers by their import names: scikit-learn's, the extras', and the user's own from features/."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import all_estimators

from artifact.engines import boosted
from artifact.errors import ConfigurationError
from artifact.extras import EXTRAS
from pipeline.params.messages import near
from pipeline.training import boosters

PACKAGES = ("sklearn", "features", *EXTRAS)
# Parameters that are functions, named as `numpy.log1p`, `features.<module>.<function>`, or one of scikit-learn's.
_FUNCTIONS = ("func", "inverse_func", "score_func", "pooling_func")
_HOMES = ("numpy", "features", "sklearn.feature_selection")
# scikit-learn hides these until a module of its own is imported, which a name in params.yaml cannot do.
_EXPERIMENTAL = {
    "IterativeImputer": "sklearn.experimental.enable_iterative_imputer",
    "HalvingGridSearchCV": "sklearn.experimental.enable_halving_search_cv",
    "HalvingRandomSearchCV": "sklearn.experimental.enable_halving_search_cv",
}


def build(name: str, parameters: Mapping[str, Any], setting: str) -> Any:
    """The class `name` made with `parameters`; a parameter `{<import name>: {…}}` is itself such a component.

    ConfigurationError (10) for a name or a parameter that does not exist, with the nearest that does.
    """
    component = find(name, setting)
    extra = name.partition(".")[0] in EXTRAS
    names = boosters.parameters(component) if extra else sorted(inspect.signature(component).parameters)
    for parameter in parameters:
        if parameter not in names:
            raise ConfigurationError(
                f"params.yaml: {setting}: {name} has no parameter {parameter!r}{near(parameter, names)}"
            )
    values = {
        key: _function(value, f"{setting}.{key}") if key in _FUNCTIONS else _value(value, f"{setting}.{key}")
        for key, value in parameters.items()
    }
    try:
        return boosted.estimator(name, values) if extra else component(**values)
    except TypeError as error:
        raise ConfigurationError(f"params.yaml: {setting}: {name}: {error}") from error


def _function(value: Any, setting: str) -> Any:
    """The function that a text names; whether a predictor may call it, `artifact.unpickling` says by its list.

    ConfigurationError (10) for a name that is none, or that a lambda or another callable object hides behind.
    """
    if not isinstance(value, str):
        return value
    module, _, attribute = value.rpartition(".")
    home = next((home for home in _HOMES if module == home or module.startswith(f"{home}.")), None)
    try:
        function = None if home is None else getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        raise ConfigurationError(
            f"params.yaml: {setting}: importing {module} fails: {error}; correct its name"
        ) from error
    if not isinstance(function, np.ufunc) and not inspect.isfunction(function):
        hint = near(attribute, _named_functions(module)) if home == "features" and function is None else ""
        raise ConfigurationError(
            f"params.yaml: {setting} is {value!r}, which is no function of {', '.join(_HOMES)}; "
            f"use one such as numpy.log1p or features.<module>.<function>{hint}"
        )
    return function


def _named_functions(module: str) -> list[str]:
    return [name for name, entry in vars(importlib.import_module(module)).items() if inspect.isfunction(entry)]


def find(name: str, setting: str) -> type:
    """The class with the import name `name`, from one of PACKAGES."""
    module, _, attribute = name.rpartition(".")
    if name.partition(".")[0] not in PACKAGES or not module:
        raise ConfigurationError(
            f"params.yaml: {setting} is {name!r}; use an import name that begins with sklearn. or features., "
            f"such as {_nearest(attribute) or 'sklearn.linear_model.LogisticRegression'}"
        )
    if name.partition(".")[0] in EXTRAS:
        return boosters.find(name, setting)
    if attribute in _EXPERIMENTAL:
        importlib.import_module(_EXPERIMENTAL[attribute])
    try:
        component = getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        if error.name is None or not module.startswith(error.name):
            raise ConfigurationError(
                f"params.yaml: {setting}: importing {module} fails: {error}; install what it needs, or mend it"
            ) from error
        component = None
    if not inspect.isclass(component):
        near_name = _nearest(attribute) if name.startswith("sklearn.") else _in_features(module, attribute)
        hint = (
            f"; did you mean {near_name}?" if near_name else "; see the scikit-learn API reference for its import name"
        )
        raise ConfigurationError(f"params.yaml: {setting} is {name!r}, which does not exist{hint}")
    return component


def without_n_jobs(component: Any) -> tuple[Any, int | None]:
    """A copy of `component` in which no part sets n_jobs, and the largest number that one of them asked for.

    How many workers train is no property of the model: kept in it, it would change its bytes and slow down serving.
    """
    names = [name for name in _deep(component) if name.rpartition("__")[2] == "n_jobs"]
    counts = [_deep(component)[name] for name in names if _deep(component)[name] is not None]
    bare = clone(component).set_params(**dict.fromkeys(names))
    return bare, None if not counts else -1 if min(counts) < 0 else max(counts)


def _deep(component: Any) -> dict[str, Any]:
    return dict(component.get_params(deep=True)) if isinstance(component, BaseEstimator) else {}


def _value(value: Any, setting: str) -> Any:
    if isinstance(value, list):
        return [_value(item, f"{setting}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        name = next(iter(value), None)
        if len(value) == 1 and isinstance(name, str) and name.partition(".")[0] in PACKAGES and "." in name:
            parameters = value[name] or {}
            if not isinstance(parameters, Mapping):
                raise ConfigurationError(
                    f"params.yaml: {setting}: {name} is followed by {parameters!r}, expected a mapping of "
                    "its parameters"
                )
            return build(name, parameters, setting)
        return {key: _value(item, f"{setting}.{key}") for key, item in value.items()}
    return value


def _nearest(attribute: str) -> str | None:
    public = {}
    for name, kind in all_estimators():
        parts = kind.__module__.split(".")
        private = next((index for index, part in enumerate(parts) if part.startswith("_")), len(parts))
        public[name] = ".".join([*parts[:private], name])
    close = difflib.get_close_matches(attribute, public, 1, 0.75)
    return public[close[0]] if close else None


def _in_features(module: str, attribute: str) -> str | None:
    package = importlib.import_module("features")
    modules = [f"features.{entry.name}" for entry in pkgutil.iter_modules(package.__path__)]
    for close in difflib.get_close_matches(module, modules, 1, 0.75):
        names = [name for name, entry in vars(importlib.import_module(close)).items() if inspect.isclass(entry)]
        for name in difflib.get_close_matches(attribute, names, 1, 0.75):
            return f"{close}.{name}"
    return None
