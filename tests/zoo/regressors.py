"""Regressors of the zoo."""

from __future__ import annotations

from tests.zoo.configuration import (
    CUBE,
    FEW,
    IMPUTE,
    ORDINAL,
    REGRESSION_TREE,
    SCALE,
    SEED,
    Configuration,
    mixed,
    numbers,
    part,
)

BOX_COX = part("preprocessing.PowerTransformer", method="box-cox")
RIDGE = part("linear_model.Ridge", **SEED)
FOREST = part("ensemble.RandomForestRegressor", max_depth=5, **FEW)
MODELS = [["ridge", RIDGE], ["tree", REGRESSION_TREE]]

REGRESSORS: list[Configuration] = [
    # linear
    numbers("linear_model.LinearRegression", "price", SCALE),
    numbers("linear_model.LinearRegression", "price", CUBE, table="pair"),
    numbers("linear_model.Ridge", "price", CUBE, table="pair", **SEED),
    numbers("linear_model.Ridge", "visits", **SEED),
    numbers("linear_model.Ridge", "price", IMPUTE, SCALE, table="times", **SEED),
    numbers("ensemble.HistGradientBoostingRegressor", "price", table="times", max_iter=10, **SEED),
    mixed("linear_model.Ridge", "price", **SEED),
    mixed("linear_model.Ridge", "visits", table="people", **SEED),
    numbers("linear_model.RidgeCV", "price", SCALE),
    numbers("linear_model.Lasso", "price", SCALE, **SEED),
    numbers("linear_model.LassoCV", "price", SCALE, cv=3, alphas=[0.1, 1.0], **SEED),
    numbers("linear_model.ElasticNet", "visits", SCALE, alpha=0.1, **SEED),
    numbers("linear_model.ElasticNetCV", "price", SCALE, cv=3, alphas=[0.1, 1.0], **SEED),
    numbers("linear_model.LassoLars", "price", SCALE, **SEED),
    numbers("linear_model.LassoLarsCV", "visits", SCALE, cv=3),
    numbers("linear_model.LassoLarsIC", "price", SCALE),
    numbers("linear_model.Lars", "price", SCALE, **SEED),
    numbers("linear_model.LarsCV", "visits", SCALE, cv=3),
    numbers("linear_model.OrthogonalMatchingPursuit", "price", SCALE),
    numbers("linear_model.OrthogonalMatchingPursuitCV", "visits", SCALE, cv=3),
    numbers("linear_model.BayesianRidge", "price", SCALE),
    numbers("linear_model.ARDRegression", "visits", SCALE),
    numbers("linear_model.HuberRegressor", "price", SCALE),
    numbers("linear_model.TheilSenRegressor", "price", SCALE, max_subpopulation=200, **SEED),
    numbers("linear_model.RANSACRegressor", "price", SCALE, **SEED),
    numbers("linear_model.QuantileRegressor", "price", SCALE, quantile=0.8, alpha=0.1),
    numbers("linear_model.SGDRegressor", "visits", SCALE, **SEED),
    numbers("linear_model.PoissonRegressor", "visits", SCALE, sample=True),
    mixed("linear_model.PoissonRegressor", "visits"),
    numbers("linear_model.GammaRegressor", "price", SCALE),
    numbers("linear_model.TweedieRegressor", "visits", SCALE, power=1.5, link="log"),
    numbers("cross_decomposition.PLSRegression", "price", SCALE, n_components=2),
    # kernels, neighbours, nets
    numbers("svm.LinearSVR", "price", SCALE, **SEED),
    numbers("svm.SVR", "price", SCALE, C=1000.0),
    numbers("svm.NuSVR", "visits", SCALE),
    numbers("ensemble.BaggingRegressor", "price", SCALE, estimator=part("svm.SVR"), n_estimators=3, **SEED),
    numbers("kernel_ridge.KernelRidge", "price", SCALE, kernel="rbf", gamma=0.1),
    numbers("neighbors.KNeighborsRegressor", "price", SCALE),
    numbers("neighbors.KNeighborsRegressor", "visits", weights="distance"),
    numbers("neighbors.RadiusNeighborsRegressor", "price", SCALE, radius=2.0),
    numbers("gaussian_process.GaussianProcessRegressor", "price", SCALE, alpha=0.1, normalize_y=True, **SEED),
    numbers("neural_network.MLPRegressor", "visits", SCALE, hidden_layer_sizes=[12], max_iter=120, **SEED),
    # trees and their ensembles
    numbers("tree.DecisionTreeRegressor", "price", **SEED),
    numbers("tree.ExtraTreeRegressor", "visits", SCALE, **SEED),
    numbers("ensemble.RandomForestRegressor", "price", **FEW),
    mixed("ensemble.RandomForestRegressor", "price", **FEW),
    numbers("ensemble.ExtraTreesRegressor", "visits", **FEW),
    numbers("ensemble.GradientBoostingRegressor", "price", SCALE, **FEW),
    numbers("ensemble.HistGradientBoostingRegressor", "price", table="gaps", max_iter=20, **SEED),
    numbers("ensemble.HistGradientBoostingRegressor", "visits", table="gaps", loss="poisson", max_iter=20, **SEED),
    mixed("ensemble.HistGradientBoostingRegressor", "price", ORDINAL, scale=False, table="people", max_iter=20, **SEED),
    numbers("ensemble.AdaBoostRegressor", "price", **FEW),
    numbers("ensemble.BaggingRegressor", "price", estimator=REGRESSION_TREE, **FEW),
    # of several models
    numbers("ensemble.VotingRegressor", "price", SCALE, estimators=MODELS),
    numbers("ensemble.StackingRegressor", "price", SCALE, estimators=MODELS, final_estimator=FOREST, cv=3),
    mixed("ensemble.StackingRegressor", "visits", estimators=MODELS, final_estimator=RIDGE, cv=3),
    numbers(
        "compose.TransformedTargetRegressor",
        "price",
        SCALE,
        regressor=RIDGE,
        transformer=part("preprocessing.PowerTransformer"),
    ),
    numbers(
        "compose.TransformedTargetRegressor",
        "price",
        SCALE,
        regressor=RIDGE,
        func="numpy.log1p",
        inverse_func="numpy.expm1",
    ),
    numbers(
        "linear_model.Ridge",
        "price",
        part("preprocessing.FunctionTransformer", func="numpy.log1p"),
        SCALE,
        table="pair",
        **SEED,
    ),
    numbers("ensemble.HistGradientBoostingRegressor", "price", SCALE, monotonic_cst={"area": 1}, max_iter=20, **SEED),
    numbers(
        "linear_model.Ridge",
        "price",
        part("impute.IterativeImputer", estimator=REGRESSION_TREE, max_iter=2, **SEED),
        table="gaps",
        **SEED,
    ),
    numbers(
        "compose.TransformedTargetRegressor",
        "visits",
        regressor=FOREST,
        transformer=part("preprocessing.QuantileTransformer", n_quantiles=50, subsample=None, **SEED),
    ),
    numbers("isotonic.IsotonicRegression", "price", table="one", out_of_bounds="clip"),
    numbers("dummy.DummyRegressor", "price", strategy="median"),
    # other preprocessing
    numbers("linear_model.Ridge", "price", part("preprocessing.SplineTransformer", n_knots=5), **SEED),
    numbers(
        "linear_model.Ridge", "price", part("preprocessing.SplineTransformer", extrapolation="linear"), SCALE, **SEED
    ),
    numbers(
        "linear_model.Ridge", "visits", part("preprocessing.PowerTransformer", method="box-cox"), table="pair", **SEED
    ),
    numbers("linear_model.Ridge", "price", part("preprocessing.QuantileTransformer", n_quantiles=50, **SEED), **SEED),
    numbers("linear_model.Ridge", "visits", part("preprocessing.RobustScaler"), CUBE, **SEED),
    numbers("linear_model.Ridge", "price", part("preprocessing.MaxAbsScaler"), **SEED),
    numbers("linear_model.Ridge", "visits", part("preprocessing.Normalizer"), **SEED),
    numbers("ensemble.RandomForestRegressor", "price", CUBE, table="pair", sample=True, **FEW),
    numbers("ensemble.GradientBoostingRegressor", "visits", IMPUTE, table="gaps", **FEW),
    numbers("tree.DecisionTreeRegressor", "price", part("preprocessing.PowerTransformer"), **SEED),
    numbers("linear_model.LinearRegression", "price", part("feature_selection.SelectPercentile", percentile=50), SCALE),
    mixed(
        "linear_model.Ridge",
        "price",
        part("preprocessing.TargetEncoder", target_type="continuous", **SEED),
        sample=True,
        **SEED,
    ),
]
