"""Estimators of LightGBM and XGBoost: fitted by the libraries' scikit-learn classes, kept as the libraries' own text.

The text is checked when it is read, and becomes a booster of the library at the first prediction. XGBoost's margins are
its own; what they go through to become probabilities or numbers is computed here, in float64.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from artifact.engines import lightgbm_text, xgboost_json
from artifact.engines.boosted_trees import BoostedTrees
from artifact.errors import ForbiddenTypeError, IncompatibleError
from artifact.extras import EXTRAS, remedy

_LIGHTGBM = "lightgbm"
_KINDS = {kind: extra for extra in EXTRAS.values() for kind in extra.kinds}
# Without these LightGBM's trees depend on how many threads fitted them.
_STEADY = {"deterministic": True, "force_row_wise": True, "verbose": -1}
_LABELS = ("binary", "multiclass", "binary:logistic", "multi:softprob")  # objectives whose answers are probabilities


class _Boosted(BaseEstimator):
    """`kind`: the import name of the library's class, whose parameters are the others."""

    def __init__(self, kind: str = "", **parameters: Any) -> None:
        self.kind = kind
        self.parameters = parameters

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The kind and the library's parameters."""
        return {"kind": self.kind, **self.parameters}

    def set_params(self, **changes: Any) -> Self:
        """Change some of them."""
        self.kind = changes.pop("kind", self.kind)
        self.parameters = {**self.parameters, **changes}
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_booster"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        if "text_" in state:
            try:
                self.trees()
            except Exception as error:
                raise ForbiddenTypeError(
                    f"model.joblib holds a booster that no fit makes ({type(error).__name__}: {error!s:.120}); "
                    "train it again"
                ) from error

    def trees(self) -> BoostedTrees:
        """The trees as arrays; ValueError where the text is none of a fit."""
        booster: BoostedTrees = _reader(self.kind).read(self.text_)
        if booster.columns != self.n_features_in_:
            raise ValueError(f"a booster of {booster.columns} columns for {self.n_features_in_}")
        return booster

    def _fit(self, X: Any, target: np.ndarray, weights: Any) -> None:
        numbers = _numbers(self.kind, X)
        module, _, name = self.kind.rpartition(".")
        parameters = {key: value for key, value in self.parameters.items() if value is not None}
        if "monotone_constraints" in parameters:
            parameters["monotone_constraints"] = tuple(parameters["monotone_constraints"])
        parameters.setdefault("n_jobs", 1)
        if module == _LIGHTGBM:
            parameters = {**_STEADY, **parameters}
        fitted = getattr(importlib.import_module(module), name)(**parameters)
        try:
            fitted.fit(numbers, target, sample_weight=weights)
        except Exception as error:
            raise ValueError(f"{self.kind}: {error!s:.300}") from error
        booster = fitted.booster_ if module == _LIGHTGBM else fitted.get_booster()
        text = booster.model_to_string() if module == _LIGHTGBM else bytes(booster.save_raw("json")).decode()
        self.text_ = lightgbm_text.cut(text) if module == _LIGHTGBM else text
        self.n_features_in_ = int(numbers.shape[1])
        self.__dict__.pop("_booster", None)
        self.objective_ = self.trees().objective.partition(" ")[0]

    def booster(self) -> Any:
        """The library's own booster; IncompatibleError (22) without the library."""
        if "_booster" not in vars(self):
            self._booster = _loaded(self.kind, self.text_)
        return self._booster

    def margins(self, X: Any) -> np.ndarray:
        """What the trees add up to, before any link: float64, [rows] for one output, else [rows, outputs]."""
        numbers = _numbers(self.kind, X)
        if _library(self.kind) == _LIGHTGBM:
            return np.asarray(self.booster().predict(numbers, raw_score=True, num_threads=1))
        margins = self.booster().inplace_predict(numbers, predict_type="margin", validate_features=False)
        return np.asarray(margins, dtype=np.float64)

    def contributions(self, X: Any) -> np.ndarray:
        """What each column adds to the margins by TreeSHAP, and at the end the base: [rows, outputs, columns + 1]."""
        numbers = _numbers(self.kind, X)
        if _library(self.kind) == _LIGHTGBM:
            shares = self.booster().predict(numbers, pred_contrib=True, num_threads=1)
        else:
            matrix = importlib.import_module(_library(self.kind)).DMatrix(numbers, nthread=1)
            shares = self.booster().predict(matrix, pred_contribs=True, validate_features=False)
        return np.asarray(shares, dtype=np.float64).reshape(numbers.shape[0], -1, numbers.shape[1] + 1)

    def _answers(self, X: Any) -> np.ndarray:
        if _library(self.kind) == _LIGHTGBM:
            return np.asarray(self.booster().predict(_numbers(self.kind, X), num_threads=1))
        return xgboost_json.LINKS[self.objective_](self.margins(X))


class BoostedClassifier(ClassifierMixin, _Boosted):
    """LGBMClassifier, XGBClassifier or XGBRFClassifier, for labels of any type."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the library's class to the places of the labels; ValueError for what it does not take."""
        self.classes_, places = np.unique(y, return_inverse=True)
        self._fit(X, places, sample_weight)
        if self.objective_ not in _LABELS:
            raise ValueError(f"{self.kind}: the objective {self.objective_} is not one of {', '.join(_LABELS)}")
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """float64 of shape [rows, classes]."""
        answers = self._answers(X)
        return np.column_stack([1.0 - answers, answers]) if answers.ndim == 1 else answers

    def predict(self, X: Any) -> np.ndarray:
        """The label with the largest probability, the first of equal ones: [rows]."""
        return np.asarray(self.classes_[np.argmax(self.predict_proba(X), axis=1)])


class BoostedRegressor(RegressorMixin, _Boosted):
    """LGBMRegressor, XGBRegressor or XGBRFRegressor, for one target."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the library's class; ValueError for what it does not take."""
        target = np.asarray(y, dtype=np.float64)
        if target.ndim > 1:
            raise ValueError(f"{self.kind} predicts one target; put it into sklearn.multioutput.MultiOutputRegressor")
        self._fit(X, target, sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """float64 of shape [rows]."""
        return self._answers(X)

    def quantile(self, level: float) -> dict[str, Any]:
        """The parameters by which the library predicts this quantile."""
        if _library(self.kind) == _LIGHTGBM:
            return {"objective": "quantile", "alpha": level}
        return {"objective": "reg:quantileerror", "quantile_alpha": level}


def estimator(kind: str, parameters: Mapping[str, Any]) -> _Boosted:
    """The unfitted estimator for `kind`, an import name of `artifact.extras`; its seed and threads stand among its
    parameters even where they are not set. TypeError for parameters that are none."""
    library = getattr(importlib.import_module(_library(kind)), kind.rpartition(".")[2])
    all_of_them = library(**parameters).get_params()
    own = {
        name: value for name, value in all_of_them.items() if value is not None or name in ("random_state", "n_jobs")
    }
    return (BoostedClassifier if kind.endswith("Classifier") else BoostedRegressor)(kind, **own)


def _library(kind: str) -> str:
    return _KINDS[kind].name


def _reader(kind: str) -> Any:
    return lightgbm_text if _library(kind) == _LIGHTGBM else xgboost_json


def _loaded(kind: str, text: str) -> Any:
    name = _library(kind)
    try:
        library = importlib.import_module(name)
    except ImportError as error:
        raise IncompatibleError(f"the model needs the extra {name}: {error}; {remedy([name])}") from error
    if name == _LIGHTGBM:
        return library.Booster(model_str=text)
    booster = library.Booster({"nthread": 1})
    booster.load_model(bytearray(text.encode()))
    return booster


def _numbers(kind: str, X: Any) -> Any:
    """float64 of [rows, columns]. Sparse rows are written out for XGBoost: it takes what they leave out for missing."""
    if issparse(X):
        return X.tocsr() if _library(kind) == _LIGHTGBM else X.toarray()
    return np.asarray(X, dtype=np.float64)
