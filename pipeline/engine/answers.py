"""The outputs of an ONNX graph, by the names that a signature has for them (`artifact.output`)."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from artifact.output import LOWER, UPPER
from artifact.prediction import PROBABILITIES
from pipeline.engine.graph import Graph, Matrix


def regress(graph: Graph, value: str, width: int = 1) -> None:
    """The output of a regression, from float64, [rows, width]."""
    _number(graph, "prediction", value, width)


def between(graph: Graph, value: str, ends: tuple[str, str]) -> None:
    """The outputs of a regression with an interval, [rows, 1] each; the lesser of the two `ends` is the low one."""
    regress(graph, value)
    for name, operator in ((LOWER, "Min"), (UPPER, "Max")):
        _number(graph, name, graph.add(operator, *ends), 1)


def multilabel(graph: Graph, flags: str, probabilities: str, width: int) -> None:
    """The outputs of several labels: booleans, and the probabilities of true, [rows, width] each."""
    graph.add("Identity", flags, output="labels")
    graph.output("labels", TensorProto.BOOL, [None, width])
    _number(graph, PROBABILITIES, probabilities, width)


def outlier(graph: Graph, score: str) -> None:
    """The outputs of an outlier detector, from its score, [rows, 1], which is above 0 of an outlier."""
    graph.add("Greater", score, graph.constant([0.0]), output="outlier")
    graph.output("outlier", TensorProto.BOOL, [None, 1])
    _number(graph, "score", score, 1)


def classify(graph: Graph, probabilities: str, place: str, classes: np.ndarray) -> None:
    """The outputs of a classification: probabilities, [rows, classes], and the class at `place`, int64, [rows]."""
    _label(graph, graph.add("Gather", graph.constant(_labels(classes)), place), classes)
    _probabilities(graph, probabilities, classes)


def softmax(graph: Graph, scores: str, classes: np.ndarray) -> None:
    """The outputs for scores, [rows, classes], of which the greatest names the label."""
    classify(graph, graph.add("Softmax", scores, axis=1), argmax(graph, scores), classes)


def two_classes(graph: Graph, scores: str, second: str, classes: np.ndarray) -> None:
    """The outputs for a score of the second class, [rows, 1], and whether it is the label (booleans, [rows, 1])."""
    one_of_two(graph, graph.add("Sigmoid", scores), second, classes)


def one_of_two(graph: Graph, positive: str, second: str, classes: np.ndarray) -> None:
    """The outputs for the probability of the second class, [rows, 1], and whether it is the label (booleans)."""
    negative = graph.add("Sub", graph.constant([1.0]), positive)
    second_label, first_label = (graph.constant(_labels(classes[place : place + 1])) for place in (1, 0))
    _label(graph, graph.add("Where", second, second_label, first_label), classes)
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
    _number(graph, PROBABILITIES, value, len(classes))


def _number(graph: Graph, name: str, value: str, width: int) -> None:
    graph.add("Identity", value, output=name)
    graph.output(name, TensorProto.DOUBLE, [None, width])
