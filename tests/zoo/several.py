"""Models of the zoo that answer more than one label or number: several targets, labels, intervals, outliers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.configuration import (
    FEW,
    LOGISTIC,
    SCALE,
    SEED,
    Configuration,
    mixed,
    numbers,
    part,
)

RIDGE = part("linear_model.Ridge", **SEED)
BOOSTED = part("ensemble.HistGradientBoostingRegressor", max_iter=15, **SEED)
LABELS, PRICES = "near+costly", "price+visits"
CLASSES, GRADES = "kind+shade", "grade+level"


def labels(configuration: Configuration) -> Configuration:
    """The same with several labels."""
    return replace(configuration, task="multilabel")


def classes(configuration: Configuration) -> Configuration:
    """The same with several labels, each one of several classes."""
    return replace(configuration, task="multioutput")


def outliers(name: str, *steps: Any, sample: bool = False, **parameters: Any) -> Configuration:
    """A detector of outliers."""
    return replace(numbers(name, "odd", *steps, sample=sample, **parameters), task="outliers")


def between(configuration: Configuration) -> Configuration:
    """The same with an interval around each number."""
    return replace(
        configuration, name=f"{configuration.name} with an interval", more={"interval": {"low": 0.1, "high": 0.9}}
    )


SEVERAL: list[Configuration] = [
    # several numbers
    numbers("linear_model.LinearRegression", PRICES, SCALE),
    numbers("linear_model.Ridge", PRICES, SCALE, **SEED),
    numbers("linear_model.MultiTaskLasso", PRICES, SCALE, **SEED),
    numbers("linear_model.MultiTaskLassoCV", PRICES, SCALE, cv=3, alphas=[0.1, 1.0], **SEED),
    numbers("linear_model.MultiTaskElasticNet", PRICES, SCALE, **SEED),
    numbers("linear_model.MultiTaskElasticNetCV", PRICES, SCALE, cv=3, alphas=[0.1, 1.0], **SEED),
    numbers("cross_decomposition.PLSRegression", PRICES, SCALE),
    numbers("cross_decomposition.PLSCanonical", PRICES, SCALE),
    numbers("cross_decomposition.CCA", PRICES, SCALE),
    numbers("neighbors.KNeighborsRegressor", PRICES, SCALE),
    numbers("tree.DecisionTreeRegressor", PRICES, **SEED),
    numbers("ensemble.RandomForestRegressor", PRICES, **FEW),
    mixed("ensemble.ExtraTreesRegressor", PRICES, **FEW),
    numbers("neural_network.MLPRegressor", PRICES, SCALE, hidden_layer_sizes=[12], max_iter=120, **SEED),
    numbers("kernel_ridge.KernelRidge", PRICES, SCALE, kernel="rbf", gamma=0.1),
    numbers("multioutput.MultiOutputRegressor", PRICES, SCALE, estimator=BOOSTED),
    numbers("multioutput.RegressorChain", PRICES, SCALE, estimator=RIDGE, **SEED),
    # intervals
    between(numbers("ensemble.HistGradientBoostingRegressor", "price", table="gaps", max_iter=15, **SEED)),
    between(numbers("ensemble.GradientBoostingRegressor", "price", SCALE, n_estimators=15, **SEED)),
    between(numbers("linear_model.QuantileRegressor", "price", SCALE, alpha=0.1)),
    # several labels
    labels(numbers("multioutput.MultiOutputClassifier", LABELS, SCALE, estimator=LOGISTIC, sample=True)),
    labels(numbers("multioutput.ClassifierChain", LABELS, SCALE, estimator=LOGISTIC, **SEED)),
    replace(
        labels(
            numbers(
                "multioutput.ClassifierChain", LABELS, SCALE, estimator=LOGISTIC, chain_method="predict_proba", **SEED
            )
        ),
        name=f"{LABELS} of homes: StandardScaler ClassifierChain of probabilities",
    ),
    labels(numbers("multiclass.OneVsRestClassifier", LABELS, SCALE, estimator=LOGISTIC)),
    labels(numbers("ensemble.RandomForestClassifier", LABELS, **FEW)),
    labels(mixed("ensemble.ExtraTreesClassifier", LABELS, **FEW)),
    labels(numbers("tree.DecisionTreeClassifier", LABELS, **SEED)),
    labels(numbers("neighbors.KNeighborsClassifier", LABELS, SCALE)),
    labels(numbers("neural_network.MLPClassifier", LABELS, SCALE, hidden_layer_sizes=[12], max_iter=120, **SEED)),
    labels(numbers("multioutput.MultiOutputClassifier", LABELS, SCALE, estimator=part("svm.LinearSVC", **SEED))),
    labels(numbers("linear_model.RidgeClassifier", LABELS, SCALE, **SEED)),
    # several labels of several classes
    classes(mixed("ensemble.RandomForestClassifier", CLASSES, sample=True, **FEW)),
    classes(numbers("ensemble.ExtraTreesClassifier", GRADES, **FEW)),
    classes(numbers("tree.DecisionTreeClassifier", CLASSES, max_depth=5, **SEED)),
    classes(numbers("neighbors.KNeighborsClassifier", GRADES, SCALE)),
    classes(numbers("multioutput.MultiOutputClassifier", CLASSES, SCALE, estimator=LOGISTIC)),
    classes(numbers("multioutput.MultiOutputClassifier", GRADES, SCALE, estimator=part("svm.LinearSVC", **SEED))),
    # outliers
    outliers("ensemble.IsolationForest", sample=True, **FEW),
    outliers("ensemble.IsolationForest", SCALE, max_features=2, contamination=0.1, **FEW),
    outliers("neighbors.LocalOutlierFactor", SCALE, novelty=True),
    outliers("svm.OneClassSVM", SCALE, nu=0.1),
    outliers("linear_model.SGDOneClassSVM", SCALE, nu=0.1, **SEED),
    outliers("covariance.EllipticEnvelope", SCALE, **SEED),
]
