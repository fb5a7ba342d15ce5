"""Histogram gradient boosting as an ONNX graph in float64: its thresholds lie between values that float32 cannot tell
apart. The converter has float32 only, so the trees are written here, as they stand in the fitted model.

How ONNX Runtime adds them up is not written anywhere: the proof in `pipeline.packaging.engines` looks at every graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline

_OPSETS = (("", 17), ("ai.onnx.ml", 5))


def boosted(fitted: Any) -> Any | None:
    """The booster, where it gets the columns as they are; None for anything else, and for categories as such."""
    steps = [step for _, step in fitted.steps] if isinstance(fitted, Pipeline) else [fitted]
    model = steps.pop()
    if not isinstance(model, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        return None
    if any(step not in (None, "passthrough") for step in steps) or model.is_categorical_ is not None:
        return None
    if isinstance(model, HistGradientBoostingRegressor) and model.loss not in ("squared_error", "absolute_error"):
        return None
    return model


def convert(model: Any, width: int, integers: bool) -> ModelProto:
    """A graph from `numbers`, float64 of shape [rows, width], to a label and probabilities, or to a number, [rows, 1].

    `integers`: labels are whole numbers or booleans, which ONNX writes as int64; text otherwise.
    """
    targets = int(model.n_trees_per_iteration_)
    base = np.broadcast_to(np.asarray(model._baseline_prediction, dtype=np.float64).ravel(), targets).tolist()
    constants = [helper.make_tensor("base", TensorProto.DOUBLE, [targets], base)]
    nodes = [_trees(model, targets), helper.make_node("Add", ["sums", "base"], ["variable"])]
    outputs = [helper.make_tensor_value_info("variable", TensorProto.DOUBLE, [None, 1])]
    if isinstance(model, HistGradientBoostingClassifier):
        if targets == 1:
            constants.append(helper.make_tensor("one", TensorProto.DOUBLE, [1], [1.0]))
            nodes += [
                helper.make_node("Sigmoid", ["variable"], ["positive"]),
                helper.make_node("Sub", ["one", "positive"], ["negative"]),
                helper.make_node("Concat", ["negative", "positive"], ["probabilities"], axis=1),
            ]
        else:
            nodes.append(helper.make_node("Softmax", ["variable"], ["probabilities"], axis=1))
        kind = TensorProto.INT64 if integers else TensorProto.STRING
        classes: list[Any] = [int(value) if integers else str(value).encode() for value in model.classes_.tolist()]
        constants.append(helper.make_tensor("classes", kind, [len(classes)], classes))
        nodes += [
            helper.make_node("ArgMax", ["probabilities"], ["place"], axis=1, keepdims=0),
            helper.make_node("Gather", ["classes", "place"], ["label"]),
        ]
        outputs = [
            helper.make_tensor_value_info("label", kind, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [None, len(classes)]),
        ]
    given = helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, [None, width])
    graph = helper.make_graph(nodes, "model", [given], outputs, constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _trees(model: Any, targets: int) -> Any:
    """All trees as one operator; `x <= threshold` goes left in both, and so does NaN where the tree says so."""
    parts: dict[str, list[np.ndarray]] = {}
    roots, inner, outer = [], 0, 0  # nodes with branches, and leaves, so far
    for target, nodes in _each(model._predictors):
        leaf = nodes["is_leaf"].astype(bool)
        # A leaf alone is no tree to ONNX: a node stands before it, whose branches both lead there.
        branching = nodes[~leaf] if len(nodes) > 1 else np.zeros(1, nodes.dtype)
        places = np.where(leaf, outer + np.cumsum(leaf), inner + np.cumsum(~leaf)) - 1
        for name, values in (
            ("nodes_featureids", branching["feature_idx"]),
            ("nodes_splits", branching["num_threshold"]),
            ("nodes_modes", np.zeros(len(branching), dtype=np.uint8)),  # x <= threshold
            ("nodes_missing_value_tracks_true", branching["missing_go_to_left"]),
            ("nodes_truenodeids", places[branching["left"]]),
            ("nodes_trueleafs", leaf[branching["left"]]),
            ("nodes_falsenodeids", places[branching["right"]]),
            ("nodes_falseleafs", leaf[branching["right"]]),
            ("leaf_targetids", np.full(leaf.sum(), target)),
            ("leaf_weights", nodes["value"][leaf]),
        ):
            parts.setdefault(name, []).append(values)
        roots.append(inner)
        inner, outer = inner + len(branching), outer + int(leaf.sum())
    kinds = {"nodes_splits": TensorProto.DOUBLE, "leaf_weights": TensorProto.DOUBLE, "nodes_modes": TensorProto.UINT8}
    attributes: dict[str, Any] = {"tree_roots": roots}
    for name, each in parts.items():
        values = np.concatenate(each).tolist()
        if name in kinds:
            attributes[name] = helper.make_tensor(name, kinds[name], [len(values)], values)
        else:
            attributes[name] = [int(value) for value in values]
    return helper.make_node(
        "TreeEnsemble",
        ["numbers"],
        ["sums"],
        domain="ai.onnx.ml",
        n_targets=targets,
        aggregate_function=1,  # SUM
        post_transform=0,
        **attributes,
    )


def _each(predictors: Sequence[Sequence[Any]]) -> list[tuple[int, np.ndarray]]:
    return [(target, tree.nodes) for iteration in predictors for target, tree in enumerate(iteration)]
