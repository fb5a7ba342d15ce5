"""The last step of a Pipeline in an ONNX graph: what each estimator computes from numbers, [rows, columns], in float64.

Each function writes the arithmetic of scikit-learn 1.9's own predict and predict_proba, in its order. Labels come from
the scores where scikit-learn takes them from there: two scores may differ and have equal probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import (
    cross_decomposition,
    discriminant_analysis,
    ensemble,
    linear_model,
    naive_bayes,
    neural_network,
    svm,
    tree,
)

from artifact.engines.boosted import BoostedClassifier, BoostedRegressor
from pipeline.engine import boosters, boosting, outliers, several, trees
from pipeline.engine.answers import argmax, classify, multilabel, one_of_two, regress, softmax, two_classes
from pipeline.engine.graph import Graph, Matrix, NoGraph
from pipeline.engine.trees import Tree

_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "identity": ""}


def add(graph: Graph, estimator: Any, numbers: Matrix) -> None:
    """Write `estimator` and its outputs; NoGraph for one that is not among these."""
    if isinstance(estimator, several.KINDS):
        several.add(graph, estimator, numbers, add)
        return
    write = _WRITERS.get(type(estimator))
    if write is None:
        raise NoGraph(f"{type(estimator).__name__} has no form in a graph")
    write(graph, estimator, numbers)


def trees_of(estimator: Any) -> list[Tree]:
    """The trees that `add` writes for `estimator`; none for what has none."""
    if isinstance(estimator, several.KINDS):
        return [tree for member in several.members(estimator) for tree in trees_of(member)]
    if isinstance(estimator, ensemble.IsolationForest):
        return outliers.trees_of(estimator)
    write = _WRITERS.get(type(estimator))
    if write in (_boosting, _booster):
        return boosters.trees_of(estimator) if write is _booster else boosting.trees_of(estimator)
    return _members(estimator) if write in (_forest_classifier, _forest_regression) else []


def _linear(graph: Graph, x: str, weights: Any, shift: Any) -> str:
    """`x` times `weights`, [columns, outputs], plus `shift`, [outputs]."""
    return graph.add("Gemm", x, graph.constant(np.asarray(weights, float)), graph.constant(np.asarray(shift, float)))


def _coefficients(graph: Graph, model: Any, numbers: Matrix) -> str:
    weights = np.atleast_2d(model.coef_).T
    return _linear(graph, numbers.name, weights, np.broadcast_to(np.ravel(model.intercept_), weights.shape[1]))


def _linear_regression(graph: Graph, model: Any, numbers: Matrix) -> None:
    regress(graph, _coefficients(graph, model, numbers), len(np.atleast_2d(model.coef_)))


def _components(graph: Graph, model: Any, numbers: Matrix) -> None:
    moved = Matrix(graph.add("Sub", numbers.name, graph.constant(np.asarray(model._x_mean, float))), numbers.width)
    _linear_regression(graph, model, moved)


def _exponential_regression(graph: Graph, model: Any, numbers: Matrix) -> None:
    regress(graph, graph.add("Exp", _coefficients(graph, model, numbers)))


def _linear_classifier(graph: Graph, model: Any, numbers: Matrix) -> None:
    scores = _coefficients(graph, model, numbers)
    if len(model.classes_) == 2:
        two_classes(graph, scores, graph.add("Greater", scores, graph.constant([0.0])), model.classes_)
    else:
        softmax(graph, scores, model.classes_)


def _stochastic_classifier(graph: Graph, model: Any, numbers: Matrix) -> None:
    """Each class against the rest: https://dl.acm.org/doi/pdf/10.1145/775047.775151, as SGDClassifier has it."""
    scores = _coefficients(graph, model, numbers)
    if model.loss == "log_loss":
        shares = graph.add("Sigmoid", scores)
    elif model.loss == "modified_huber":
        cut = graph.add("Clip", scores, graph.constant(np.array(-1.0)), graph.constant(np.array(1.0)))
        cut = graph.add("Where", graph.add("IsNaN", scores), scores, cut)  # Clip may make a number of it
        shares = graph.add("Div", graph.add("Add", cut, graph.constant([1.0])), graph.constant([2.0]))
    else:
        raise NoGraph(f"{type(model).__name__} with loss {model.loss!r} gives labels without probabilities")
    if len(model.classes_) == 2:
        one_of_two(graph, shares, graph.add("Greater", scores, graph.constant([0.0])), model.classes_)
        return
    # Where every share is 0, all are the same.
    summed = graph.add("ReduceSum", shares, graph.constant(np.array([1])), keepdims=1)
    nothing = graph.add("Equal", summed, graph.constant([0.0]))
    normal = graph.add("Div", shares, summed)
    even = graph.constant(np.full((1, len(model.classes_)), 1.0) / len(model.classes_))
    classify(graph, graph.add("Where", nothing, even, normal), argmax(graph, scores), model.classes_)


def _naive_bayes(graph: Graph, model: Any, numbers: Matrix) -> None:
    half, likelihoods = graph.constant([0.5]), []
    for mean, variance, prior in zip(model.theta_, model.var_, model.class_prior_, strict=True):
        moved = graph.add("Sub", numbers.name, graph.constant(mean))
        squares = graph.add("Div", graph.add("Mul", moved, moved), graph.constant(variance))
        summed = graph.add("ReduceSum", squares, graph.constant(np.array([1])), keepdims=1)
        density = graph.constant([-0.5 * np.sum(np.log(2.0 * np.pi * variance))])
        density = graph.add("Sub", density, graph.add("Mul", half, summed))
        likelihoods.append(Matrix(graph.add("Add", graph.constant([np.log(prior)]), density), 1))
    softmax(graph, graph.side_by_side(likelihoods).name, model.classes_)


def _quadratic(graph: Graph, model: Any, numbers: Matrix) -> None:
    scores = []
    for rotation, scaling, mean, prior in zip(
        model.rotations_, model.scalings_, model.means_, model.priors_, strict=True
    ):
        moved = graph.add("Sub", numbers.name, graph.constant(mean))
        turned = graph.add("MatMul", moved, graph.constant(rotation * scaling**-0.5))
        summed = graph.add("ReduceSum", graph.add("Mul", turned, turned), graph.constant(np.array([1])), keepdims=1)
        spread = graph.add("Add", summed, graph.constant([np.sum(np.log(scaling))]))
        likelihood = graph.add("Mul", spread, graph.constant([-0.5]))
        scores.append(Matrix(graph.add("Add", likelihood, graph.constant([np.log(prior)])), 1))
    softmax(graph, graph.side_by_side(scores).name, model.classes_)


def _network(graph: Graph, model: Any, numbers: Matrix) -> str:
    value = numbers.name
    for layer, (weights, shift) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), 2):
        value = _linear(graph, value, weights, shift)
        operator = _ACTIVATIONS[model.activation] if layer < model.n_layers_ else ""
        value = graph.add(operator, value) if operator else value
    return value


def _network_regression(graph: Graph, model: Any, numbers: Matrix) -> None:
    if model.out_activation_ != "identity":
        raise NoGraph(f"{type(model).__name__} with loss {model.loss!r} has no form in a graph")
    regress(graph, _network(graph, model, numbers), model.coefs_[-1].shape[1])


def _network_classifier(graph: Graph, model: Any, numbers: Matrix) -> None:
    scores, width = _network(graph, model, numbers), model.coefs_[-1].shape[1]
    if model.out_activation_ == "softmax":
        softmax(graph, scores, model.classes_)
        return
    probabilities = graph.add("Sigmoid", scores)
    half = graph.add("Greater", probabilities, graph.constant([0.5]))
    if width > 1:
        multilabel(graph, half, probabilities, width)
    else:
        two_classes(graph, scores, half, model.classes_)


def _members(model: Any) -> list[Tree]:
    return [Tree.of(member) for member in getattr(model, "estimators_", [model])]


def _forest(graph: Graph, model: Any, numbers: Matrix) -> tuple[str, int]:
    """The mean of the trees, [rows, targets], and how many targets there are."""
    parts = _members(model)
    targets = parts[0].value.shape[1]
    input_name = graph.as_trees_see_it(numbers.name)
    sums = graph.where_finite(input_name, trees.add(graph, input_name, parts, targets))
    return sums if len(parts) == 1 else graph.add("Div", sums, graph.constant([float(len(parts))])), targets


def _forest_regression(graph: Graph, model: Any, numbers: Matrix) -> None:
    regress(graph, *_forest(graph, model, numbers))


def _forest_classifier(graph: Graph, model: Any, numbers: Matrix) -> None:
    means, targets = _forest(graph, model, numbers)
    if not isinstance(model.classes_, list):
        classify(graph, means, argmax(graph, means), model.classes_)
        return
    if any(list(classes) != [0, 1] for classes in model.classes_):
        raise NoGraph(f"{type(model).__name__} with a label that is always, or never, there has no form in a graph")
    sides = [graph.take(Matrix(means, targets), list(range(place, targets, 2))).name for place in (0, 1)]
    multilabel(graph, graph.add("Greater", sides[1], sides[0]), sides[1], len(model.classes_))


def _boosting(graph: Graph, model: Any, numbers: Matrix) -> None:
    boosting.add(graph, model, numbers)


def _booster(graph: Graph, model: Any, numbers: Matrix) -> None:
    boosters.add(graph, model, numbers)


_WRITERS: dict[type, Callable[[Graph, Any, Matrix], None]] = {
    **dict.fromkeys(
        (
            linear_model.ARDRegression,
            linear_model.BayesianRidge,
            linear_model.ElasticNet,
            linear_model.ElasticNetCV,
            linear_model.HuberRegressor,
            linear_model.Lars,
            linear_model.LarsCV,
            linear_model.Lasso,
            linear_model.LassoCV,
            linear_model.LassoLars,
            linear_model.LassoLarsCV,
            linear_model.LassoLarsIC,
            linear_model.LinearRegression,
            linear_model.MultiTaskElasticNet,
            linear_model.MultiTaskElasticNetCV,
            linear_model.MultiTaskLasso,
            linear_model.MultiTaskLassoCV,
            linear_model.OrthogonalMatchingPursuit,
            linear_model.QuantileRegressor,
            linear_model.Ridge,
            linear_model.RidgeCV,
            linear_model.SGDRegressor,
            linear_model.TheilSenRegressor,
            svm.LinearSVR,
        ),
        _linear_regression,
    ),
    **dict.fromkeys(
        (cross_decomposition.CCA, cross_decomposition.PLSCanonical, cross_decomposition.PLSRegression), _components
    ),
    **dict.fromkeys((linear_model.PoissonRegressor, linear_model.GammaRegressor), _exponential_regression),
    **dict.fromkeys(
        (
            discriminant_analysis.LinearDiscriminantAnalysis,
            linear_model.LogisticRegression,
            linear_model.LogisticRegressionCV,
        ),
        _linear_classifier,
    ),
    linear_model.SGDClassifier: _stochastic_classifier,
    discriminant_analysis.QuadraticDiscriminantAnalysis: _quadratic,
    naive_bayes.GaussianNB: _naive_bayes,
    neural_network.MLPClassifier: _network_classifier,
    neural_network.MLPRegressor: _network_regression,
    **dict.fromkeys(
        (
            ensemble.ExtraTreesClassifier,
            ensemble.RandomForestClassifier,
            tree.DecisionTreeClassifier,
            tree.ExtraTreeClassifier,
        ),
        _forest_classifier,
    ),
    **dict.fromkeys(
        (
            ensemble.ExtraTreesRegressor,
            ensemble.RandomForestRegressor,
            tree.DecisionTreeRegressor,
            tree.ExtraTreeRegressor,
        ),
        _forest_regression,
    ),
    **dict.fromkeys(
        (
            ensemble.GradientBoostingClassifier,
            ensemble.GradientBoostingRegressor,
            ensemble.HistGradientBoostingClassifier,
            ensemble.HistGradientBoostingRegressor,
        ),
        _boosting,
    ),
    **dict.fromkeys((BoostedClassifier, BoostedRegressor), _booster),
    **dict.fromkeys(outliers.KINDS, outliers.add),
}
