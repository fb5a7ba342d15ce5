"""The outputs of an ONNX graph: a label and probabilities, or a number."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from pipeline.graph import Graph, Matrix


def regress(graph: Graph, value: str) -> None:
    """The output of a regression, from float64, [rows, 1]."""
    graph.add("Identity", value, output="prediction")
    graph.output("prediction", TensorProto.DOUBLE, [None, 1])


def classify(graph: Graph, probabilities: str, place: str, classes: np.ndarray) -> None:
    """The outputs of a classification: probabilities, [rows, classes], and the class at `place`, int64, [rows]."""
    _label(graph, graph.add("Gather", graph.constant(_labels(classes)), place), classes)
    _probabilities(graph, probabilities, classes)


def softmax(graph: Graph, scores: str, classes: np.ndarray) -> None:
    """The outputs for scores, [rows, classes], of which the greatest names the label."""
    classify(graph, graph.add("Softmax", scores, axis=1), argmax(graph, scores), classes)


def two_classes(graph: Graph, scores: str, second: str, classes: np.ndarray) -> None:
    """The outputs for a score of the second class, [rows, 1], and whether it is the label (booleans, [rows, 1])."""
    positive = graph.add("Sigmoid", scores)
    negative = graph.add("Sub", graph.constant([1.0]), positive)
    one, other = (graph.constant(_labels(classes[place : place + 1])) for place in (1, 0))
    _label(graph, graph.add("Where", second, one, other), classes)
    _probabilities(graph, graph.side_by_side([Matrix(negative, 1), Matrix(positive, 1)]).name, classes)


def argmax(graph: Graph, scores: str) -> str:
    """The first place of the greatest of `scores` in each row: int64, [rows]."""
    return graph.add("ArgMax", scores, axis=1, keepdims=0)


def _labels(classes: np.ndarray) -> np.ndarray:
    """Classes as ONNX has them: whole numbers (booleans are 0 and 1), or text."""
    return classes.astype(np.int64 if classes.dtype.kind in "ib" else object)


def _label(graph: Graph, value: str, classes: np.ndarray) -> None:
    graph.add("Identity", value, output="label")
    kind = TensorProto.INT64 if classes.dtype.kind in "ib" else TensorProto.STRING
    graph.output("label", kind, None)


def _probabilities(graph: Graph, value: str, classes: np.ndarray) -> None:
    graph.add("Identity", value, output="probabilities")
    graph.output("probabilities", TensorProto.DOUBLE, [None, len(classes)])
