"""A regressor whose answer has an interval: the same estimator fitted for a low and a high quantile beside its own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone

from artifact.engines.boosted import BoostedRegressor

# Which parameter of an estimator is the quantile that it predicts, and what else makes it predict one.
_BY_ALPHA = "alpha"
_BY_QUANTILE = "quantile"


class QuantileInterval(RegressorMixin, BaseEstimator):
    """Predicts [rows, 3]: what `estimator` answers, and the ends of the interval between its `quantiles`.

    An estimator that predicts a quantile is HistGradientBoostingRegressor, QuantileRegressor,
    GradientBoostingRegressor, whose parameter for it is alpha, or one of `boosted` (Koenker and Bassett, Regression
    Quantiles, 1978). Where the two ends cross, the lesser of them is the low one.
    """

    def __init__(self, estimator: Any = None, quantiles: tuple[float, float] = (0.05, 0.95)) -> None:
        self.estimator = estimator
        self.quantiles = quantiles

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit three estimators; ValueError for one that has no quantile."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator_ = clone(self.estimator).fit(X, y, **weights)
        self.lower_, self.upper_ = (
            clone(self.estimator).set_params(**_quantile(self.estimator, level)).fit(X, y, **weights)
            for level in self.quantiles
        )
        return self

    def predict(self, X: Any) -> np.ndarray:
        """float64 of shape [rows, 3]: the prediction, the low end and the high end."""
        ends = np.column_stack([self.lower_.predict(X), self.upper_.predict(X)])
        return np.column_stack([self.estimator_.predict(X), ends.min(axis=1), ends.max(axis=1)])


def _quantile(estimator: Any, level: float) -> dict[str, Any]:
    parameters = estimator.get_params(deep=False)
    if isinstance(estimator, BoostedRegressor):
        return estimator.quantile(level)
    if _BY_QUANTILE in parameters:
        return {_BY_QUANTILE: level, **({"loss": "quantile"} if "loss" in parameters else {})}
    if "loss" in parameters and _BY_ALPHA in parameters and type(estimator).__name__ == "GradientBoostingRegressor":
        return {_BY_ALPHA: level, "loss": "quantile"}
    raise ValueError(
        f"{type(estimator).__name__} predicts no quantile, which train.interval needs; use "
        "HistGradientBoostingRegressor, GradientBoostingRegressor, QuantileRegressor, LGBMRegressor or XGBRegressor"
    )
