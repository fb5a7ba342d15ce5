"""Gradient boosting in an ONNX graph. Both kinds add their trees to a constant; the histogram kind compares in float64,
the other in float32. How ONNX Runtime adds them up is not written anywhere: `pipeline.engine.engines` proves every
graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from pipeline.engine import trees
from pipeline.engine.answers import regress, softmax, two_classes
from pipeline.engine.graph import Graph, Matrix, NoGraph
from pipeline.engine.trees import Tree

_LINKS = {
    "squared_error": "",
    "absolute_error": "",
    "huber": "",
    "quantile": "",
    "gamma": "Exp",
    "poisson": "Exp",
}  # what a regression's sum goes through


def add(graph: Graph, model: Any, numbers: Matrix) -> None:
    """Write one of the four estimators and its outputs."""
    histogram = isinstance(model, HistGradientBoostingClassifier | HistGradientBoostingRegressor)
    targets = int(model.n_trees_per_iteration_)
    input_name = numbers.name if histogram else graph.as_trees_see_it(numbers.name)
    sums = trees.add(graph, input_name, trees_of(model), targets)
    sums = sums if histogram else graph.where_finite(input_name, sums)
    base = np.broadcast_to(_base(model, numbers.width), targets).astype(float)
    raw = graph.add("Add", sums, graph.constant(base))
    if isinstance(model, GradientBoostingRegressor | HistGradientBoostingRegressor):
        link = _LINKS[model.loss]
        regress(graph, graph.add(link, raw) if link else raw)
    elif targets > 1:
        softmax(graph, raw, model.classes_)
    else:
        # At 0 exactly the two kinds take different sides.
        second = graph.add("Greater" if histogram else "GreaterOrEqual", raw, graph.constant([0.0]))
        if model.loss == "exponential":
            raw = graph.add("Mul", raw, graph.constant([2.0]))
        two_classes(graph, raw, second, model.classes_)


def trees_of(model: Any) -> list[Tree]:
    """All trees, in the order in which they are added."""
    if isinstance(model, GradientBoostingClassifier | GradientBoostingRegressor):
        stages = [enumerate(stage) for stage in model.estimators_]
        return [Tree.of(tree, target, model.learning_rate) for stage in stages for target, tree in stage]
    if model.is_categorical_ is not None:
        raise NoGraph(f"{type(model).__name__} with categorical features has no form in a graph")
    iterations = [enumerate(iteration) for iteration in model._predictors]
    return [Tree.of_histogram(tree.nodes, target) for iteration in iterations for target, tree in iteration]


def _base(model: Any, width: int) -> np.ndarray:
    """What the trees are added to, one number a target."""
    if isinstance(model, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        return np.asarray(model._baseline_prediction, dtype=np.float64).ravel()
    if isinstance(model.init_, str):  # "zero"
        return np.zeros(1)
    if isinstance(model.init_, DummyClassifier | DummyRegressor):  # the same for every row
        return np.asarray(model._raw_predict_init(np.zeros((1, width), np.float32))[0], dtype=np.float64)
    raise NoGraph(f"{type(model).__name__} that begins with {type(model.init_).__name__} has no form in a graph")
