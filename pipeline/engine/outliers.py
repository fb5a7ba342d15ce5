"""Outlier detectors in an ONNX graph: the score, which is above 0 of an outlier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.ensemble._iforest import _average_path_length
from sklearn.linear_model import SGDOneClassSVM

from pipeline.engine import trees
from pipeline.engine.answers import outlier
from pipeline.engine.graph import Graph, Matrix
from pipeline.engine.trees import Tree

KINDS = (EllipticEnvelope, IsolationForest, SGDOneClassSVM)


def add(graph: Graph, model: Any, numbers: Matrix) -> None:
    """Write `model`, one of KINDS."""
    match model:
        case IsolationForest():
            value = _isolation(graph, model, numbers)
        case EllipticEnvelope():
            value = _mahalanobis(graph, model, numbers)
        case _:
            value = graph.add("MatMul", numbers.name, graph.constant(-np.asarray(model.coef_, float).T))
    outlier(graph, graph.add("Add", value, graph.constant(np.asarray(model.offset_, float).reshape(-1)[:1])))


def trees_of(model: IsolationForest) -> list[Tree]:
    """Its trees, whose leaves hold how deep a row is there (Liu, Ting and Zhou, Isolation Forest, 2008)."""
    members = []
    for estimator, columns, depths, lengths in zip(
        model.estimators_,
        model.estimators_features_,
        model._decision_path_lengths,
        model._average_path_length_per_tree,
        strict=True,
    ):
        tree = Tree.of(estimator)
        inner = ~tree.leaf  # a leaf has no column: scikit-learn writes -2
        column = np.zeros_like(tree.column)
        column[inner] = np.asarray(columns)[tree.column[inner]]
        members.append(replace(tree, column=column, value=(depths + lengths - 1.0)[:, None]))
    return members


def _isolation(graph: Graph, model: IsolationForest, numbers: Matrix) -> str:
    """2 to the power of minus the mean depth, in units of the depth to expect."""
    usual = len(model.estimators_) * float(_average_path_length([model._max_samples])[0])
    # Unlike other trees, these take infinite numbers.
    depths = trees.add(graph, graph.as_trees_see_it(numbers.name), trees_of(model), 1)
    share = graph.add("Div", depths, graph.constant([-usual]))
    return graph.add("Pow", graph.constant([2.0]), share)


def _mahalanobis(graph: Graph, model: EllipticEnvelope, numbers: Matrix) -> str:
    """The squared distance to the location."""
    moved = graph.add("Sub", numbers.name, graph.constant(np.asarray(model.location_, float)))
    turned = graph.add("MatMul", moved, graph.constant(np.asarray(model.get_precision(), float)))
    product = graph.add("Mul", turned, moved)
    return graph.add("ReduceSum", product, graph.constant(np.array([1])), keepdims=1)
