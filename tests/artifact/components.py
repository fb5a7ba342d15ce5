"""Components that params.yaml admits, each fitted on a small table."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
import warnings
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
import sklearn.covariance
import sklearn.gaussian_process.kernels
import sklearn.model_selection
from sklearn.base import BaseEstimator, ClassifierMixin, OutlierMixin, RegressorMixin
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401 - show what they hide
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators

import features

X, Y = (array[::3] for array in load_iris(return_X_y=True))
TEXTS = ["one two", "two three", "three one"] * 4
CLASSIFIER, REGRESSOR = LogisticRegression(max_iter=200), Ridge()
# What an estimator needs to be made at all, or to be fitted in less than a second.
PARAMETERS: dict[str, dict[str, Any]] = {
    **{
        name: {"estimator": CLASSIFIER}
        for name in "ClassifierChain FixedThresholdClassifier MultiOutputClassifier OneVsOneClassifier "
        "OneVsRestClassifier OutputCodeClassifier RFE RFECV SelectFromModel SelfTrainingClassifier "
        "SequentialFeatureSelector TunedThresholdClassifierCV".split()
    },
    **{name: {"estimator": REGRESSOR} for name in "MultiOutputRegressor RegressorChain".split()},
    **{name: {"n_components": 1} for name in "CCA PLSCanonical PLSSVD".split()},
    **{name: {"n_components": 2} for name in "GaussianRandomProjection SparseRandomProjection".split()},
    **{name: {"max_iter": 3} for name in "HistGradientBoostingClassifier HistGradientBoostingRegressor".split()},
    **{name: {"n_estimators": 3} for name in "GradientBoostingClassifier".split()},
    "ColumnTransformer": {"transformers": [("scale", StandardScaler(), [0, 1])]},
    "FeatureUnion": {"transformer_list": [("scale", StandardScaler())]},
    "FrozenEstimator": {"estimator": LogisticRegression(max_iter=200).fit(X, Y)},
    "GaussianProcessRegressor": {"optimizer": None},
    "HalvingGridSearchCV": {"estimator": CLASSIFIER, "param_grid": {"C": [0.1, 1.0]}, "random_state": 20},
    "HalvingRandomSearchCV": {"estimator": CLASSIFIER, "param_distributions": {"C": [0.1, 1.0]}, "random_state": 20},
    "GridSearchCV": {"estimator": REGRESSOR, "param_grid": {"alpha": [0.1, 1.0]}, "scoring": "r2"},
    "LatentDirichletAllocation": {"max_iter": 2},
    "LogisticRegressionCV": {"Cs": 2, "cv": 2, "max_iter": 200, "use_legacy_attributes": False},
    "Pipeline": {"steps": [("scale", StandardScaler()), ("model", CLASSIFIER)]},
    "RandomizedSearchCV": {"estimator": REGRESSOR, "param_distributions": {"alpha": [0.1, 1.0]}, "n_iter": 1},
    "SparseCoder": {"dictionary": X[:5] / np.linalg.norm(X[:5], axis=1, keepdims=True)},
    "StackingClassifier": {"estimators": [("one", CLASSIFIER)]},
    "StackingRegressor": {"estimators": [("one", REGRESSOR)]},
    "TheilSenRegressor": {"max_subpopulation": 100},
    "VotingClassifier": {"estimators": [("one", CLASSIFIER)]},
    "VotingRegressor": {"estimators": [("one", REGRESSOR)]},
}
MULTI = np.column_stack([Y, Y + 1.0])
# What an estimator is fitted on, where that is not the table of flowers.
DATA: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys("MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV".split(), (X, MULTI)),
    **{name: (X, (MULTI > 1).astype(int)) for name in "ClassifierChain MultiOutputClassifier".split()},
    **dict.fromkeys("MultiOutputRegressor RegressorChain".split(), (X, MULTI)),
    **{name: (X, (Y > 0).astype(int)) for name in "FixedThresholdClassifier TunedThresholdClassifierCV".split()},
    **dict.fromkeys("LabelBinarizer LabelEncoder".split(), (Y,)),
    **dict.fromkeys("CountVectorizer TfidfVectorizer".split(), (TEXTS,)),
    "HashingVectorizer": (TEXTS,),
    "DictVectorizer": ([{"a": 1.0}, {"b": 2.0}],),
    "FeatureHasher": ([{"a": 1.0}, {"b": 2.0}],),
    "GammaRegressor": (X, Y + 1.0),
    "IsotonicRegression": (X[:, 0], Y),
    "KernelCenterer": (X @ X.T,),
    "MultiLabelBinarizer": ([[0, 1], [1]],),
    "PatchExtractor": (np.arange(800.0).reshape(2, 20, 20),),
}


def admitted() -> list[tuple[str, type]]:
    """Name and class of scikit-learn's estimators that can be train.estimator or a step of train.preprocessing."""
    return [
        (name, kind)
        for name, kind in all_estimators()
        if issubclass(kind, ClassifierMixin | RegressorMixin | OutlierMixin)
        or (hasattr(kind, "fit") and hasattr(kind, "transform"))
    ]


def others() -> list[tuple[str, type]]:
    """Name and class of those that cannot be named there."""
    names = {name for name, _ in admitted()}
    return [(name, kind) for name, kind in all_estimators() if name not in names]


def of_features() -> Iterator[type]:
    """Classes of the modules of features/ that can be a step."""
    for module in pkgutil.iter_modules(features.__path__):
        for _, kind in inspect.getmembers(importlib.import_module(f"features.{module.name}"), inspect.isclass):
            if kind.__module__.startswith("features.") and hasattr(kind, "transform"):
                yield kind


def parts() -> Iterator[Any]:
    """Objects that scikit-learn documents as values of parameters: kernels, splitters, estimates of covariance."""
    kernels, selection, covariance = sklearn.gaussian_process.kernels, sklearn.model_selection, sklearn.covariance
    rbf = kernels.RBF()
    needs: dict[str, tuple[Any, ...]] = {
        "CompoundKernel": ([rbf],),
        "Exponentiation": (rbf, 2),
        **dict.fromkeys(("Product", "Sum"), (rbf, rbf)),
        **dict.fromkeys(("LeavePOut", "LeavePGroupsOut"), (1,)),
        "PredefinedSplit": ([0, 1],),
    }
    for module, base in (
        (kernels, kernels.Kernel),
        (selection, (selection.BaseCrossValidator, selection.BaseShuffleSplit, selection.RepeatedKFold.__base__)),
        (covariance, covariance.EmpiricalCovariance),
    ):
        for name, kind in inspect.getmembers(module, inspect.isclass):
            usable = issubclass(kind, base) and not inspect.isabstract(kind) and not issubclass(kind, OutlierMixin)
            if usable and kind.__module__.startswith(module.__name__) and name not in ("Kernel", "BaseShuffleSplit"):
                yield kind(*needs.get(name, ()))


def fitted(name: str, kind: type[Any]) -> BaseEstimator:
    """One estimator, fitted."""
    estimator = kind(**PARAMETERS.get(name, {}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*DATA.get(name, (X, Y)))


def dumped(value: Any) -> bytes:
    """What joblib.dump writes."""
    stream = io.BytesIO()
    joblib.dump(value, stream)
    return stream.getvalue()
