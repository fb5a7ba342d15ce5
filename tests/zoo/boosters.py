"""Models of the zoo by the extras, LightGBM and XGBoost: alone, behind encoders, and within scikit-learn's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.configuration import CUBE, FEW, ORDINAL, SCALE, Configuration, mixed, numbers
from tests.zoo.several import LABELS, PRICES, between, labels

LGBM, XGB = "lightgbm.LGBM", "xgboost.XGB"


def boosted(configuration: Configuration, library: str) -> Configuration:
    """The same with the library's class in the place of scikit-learn's."""
    kind = "Regressor" if configuration.target in ("price", PRICES) else "Classifier"
    return replace(configuration, name=f"{configuration.name} by {library}{kind}", estimator=f"{library}{kind}")


def within(name: str, target: str, kind: str) -> Configuration:
    """A booster as the estimator that scikit-learn's `name` asks for several targets."""
    inner: dict[str, Any] = {"estimator": {kind: FEW}}
    return replace(numbers(name, target, SCALE), name=f"{target}: {name} of {kind}", parameters=inner)


def each(library: str) -> list[Configuration]:
    """The models of one library."""
    return [
        boosted(numbers("x", "price", table="gaps", sample=library == XGB, **FEW), library),
        boosted(numbers("x", "price", SCALE, CUBE, **FEW), library),
        boosted(numbers("x", "near", **FEW), library),
        boosted(numbers("x", "kind", table="gaps", **FEW), library),
        boosted(mixed("x", "kind", **FEW), library),
        boosted(mixed("x", "kind", texts=ORDINAL, scale=False, **FEW), library),
        between(boosted(numbers("x", "price", **FEW), library)),
        labels(within("multioutput.MultiOutputClassifier", LABELS, f"{library}Classifier")),
        within("multioutput.MultiOutputRegressor", PRICES, f"{library}Regressor"),
    ]


BOOSTERS: list[Configuration] = [
    *each(LGBM),
    *each(XGB),
    boosted(numbers("x", "price", objective="poisson", **FEW), LGBM),
    boosted(numbers("x", "near", boosting_type="dart", **FEW), LGBM),
    boosted(numbers("x", "price", objective="count:poisson", **FEW), XGB),
    replace(numbers("x", "kind", **FEW), name="kind: XGBRFClassifier", estimator="xgboost.XGBRFClassifier"),
]
