"""Boosters of LightGBM and XGBoost in an ONNX graph.

LightGBM compares and adds in float64. XGBoost compares and adds in float32, from its base on and tree by tree, and so
does the graph: a tree that is one leaf, the base, stands before the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from artifact.engines import xgboost_json
from artifact.engines.boosted import BoostedClassifier, BoostedRegressor
from artifact.engines.boosted_trees import BoostedTree, BoostedTrees
from pipeline.engine import trees
from pipeline.engine.answers import argmax, classify, regress
from pipeline.engine.graph import Graph, Matrix, NoGraph
from pipeline.engine.trees import Tree

# What a sum goes through, by LightGBM's name of the objective; its sigmoid has a factor of its own.
_LIGHTGBM_LINKS = {
    **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile", "mape"), ""),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), "Exp"),
    "multiclass": "Softmax",
    "binary": "Sigmoid",
}
_XGBOOST_LINKS = {np.exp: "Exp", xgboost_json.sigmoid: "Sigmoid", xgboost_json.softmax: "Softmax"}


def add(graph: Graph, model: BoostedClassifier | BoostedRegressor, numbers: Matrix) -> None:
    """Write the booster of `model` and its outputs."""
    booster = model.trees()
    link = _link(model, booster)
    if booster.averaged or booster.zero_missing:
        raise NoGraph(f"{model.kind} that averages trees, or takes 0 for a missing number, has no form in a graph")
    if _in_float32(model):
        narrow = graph.cast(numbers.name, TensorProto.FLOAT)
        raw = graph.cast(trees.add(graph, narrow, trees_of(model), booster.outputs, narrow=True), TensorProto.DOUBLE)
        raw = graph.where_finite(graph.as_trees_see_it(numbers.name), raw)
    else:
        raw = trees.add(graph, numbers.name, trees_of(model), booster.outputs)
    if isinstance(model, BoostedRegressor):
        regress(graph, graph.add(link, raw) if link else raw)
        return
    if link == "Softmax":
        probabilities = graph.add("Softmax", raw, axis=1)
    else:
        second = graph.add("Sigmoid", raw)
        first = graph.add("Sub", graph.constant([1.0]), second)
        probabilities = graph.side_by_side([Matrix(first, 1), Matrix(second, 1)]).name
    classify(graph, probabilities, argmax(graph, probabilities), model.classes_)


def trees_of(model: BoostedClassifier | BoostedRegressor) -> list[Tree]:
    """All trees, in the order in which they are added."""
    booster = model.trees()
    bases = [_tree(_leaf(output, base)) for output, base in enumerate(booster.base)] if _in_float32(model) else []
    return [*bases, *map(_tree, booster.trees)]


def _in_float32(model: Any) -> bool:
    return bool(model.kind.startswith("xgboost."))


def _link(model: Any, booster: BoostedTrees) -> str:
    name, *details = booster.objective.split(" ")
    if _in_float32(model):
        return _XGBOOST_LINKS.get(xgboost_json.LINKS[name], "")
    if name not in _LIGHTGBM_LINKS or "sqrt" in details or (name == "binary" and details != ["sigmoid:1"]):
        raise NoGraph(f"{model.kind} with the objective {booster.objective!r} has no form in a graph")
    return _LIGHTGBM_LINKS[name]


def _tree(tree: BoostedTree) -> Tree:
    return Tree(
        tree.column,
        tree.threshold,
        tree.left,
        tree.right,
        tree.missing_left,
        tree.leaf,
        trees.halves(tree.left, tree.right, tree.leaf),
        tree.value[:, None],
        tree.output,
    )


def _leaf(output: int, base: float) -> BoostedTree:
    """A tree that adds `base` for every row."""
    none = np.array([-1])
    return BoostedTree(
        np.array([0]), np.array([0.0]), none, none, np.array([False]), np.array([True]), np.array([base]), output
    )
