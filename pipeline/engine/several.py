"""Models with several answers a row in an ONNX graph: a model within the model for each target, label or quantile.

Trees that have several targets themselves are in `pipeline.engine.estimators`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain

from artifact.engines.quantile_interval import QuantileInterval
from artifact.prediction import PROBABILITIES
from pipeline.engine.answers import between, multilabel, regress
from pipeline.engine.graph import Graph, Matrix, NoGraph

Write = Callable[[Graph, Any, Matrix], None]
KINDS = (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    OneVsRestClassifier,
    QuantileInterval,
    RegressorChain,
)


def add(graph: Graph, model: Any, numbers: Matrix, write: Write) -> None:
    """Write `model`, one of KINDS; `write` writes an estimator within it."""
    match model:
        case QuantileInterval():
            value, *ends = (_number(graph, member, numbers, write) for member in members(model))
            between(graph, value.name, (ends[0].name, ends[1].name))
        case MultiOutputRegressor():
            _side_by_side(graph, [_number(graph, estimator, numbers, write) for estimator in model.estimators_])
        case RegressorChain():
            _regressor_chain(graph, model, numbers, write)
        case ClassifierChain():
            _classifier_chain(graph, model, numbers, write)
        case _:
            if isinstance(model, OneVsRestClassifier) and not model.multilabel_:
                raise NoGraph("OneVsRestClassifier of one label has no form in a graph")
            _labels(graph, [_flag(graph, estimator, numbers, write) for estimator in model.estimators_])


def members(model: Any) -> list[Any]:
    """The estimators within `model`, one of KINDS, that look at the preprocessed table and nothing else."""
    if isinstance(model, ClassifierChain | RegressorChain):
        return list(model.estimators_[:1])
    if isinstance(model, QuantileInterval):
        return [model.estimator_, model.lower_, model.upper_]
    return list(model.estimators_)


def _number(graph: Graph, estimator: Any, numbers: Matrix, write: Write) -> Matrix:
    """What a regressor answers, [rows, 1]."""
    inner = graph.inner()
    write(inner, estimator, numbers)
    return inner.outputs["prediction"]


def _flag(graph: Graph, estimator: Any, numbers: Matrix, write: Write) -> tuple[Matrix, Matrix]:
    """Whether a classifier of false and true says true, and the probability that it gives for that, [rows, 1] each."""
    if list(getattr(estimator, "classes_", [])) not in ([0, 1], [False, True]):
        raise NoGraph(f"a label that {type(estimator).__name__} always, or never, saw has no form in a graph")
    inner = graph.inner()
    write(inner, estimator, numbers)
    label = graph.add("Reshape", inner.outputs["label"].name, graph.constant(np.array([-1, 1])))
    flag = Matrix(graph.cast(label, TensorProto.BOOL), 1)
    return flag, graph.take(inner.outputs[PROBABILITIES], [1])


def _side_by_side(graph: Graph, parts: list[Matrix]) -> None:
    whole = graph.side_by_side(parts)
    regress(graph, whole.name, whole.width)


def _labels(graph: Graph, parts: list[tuple[Matrix, Matrix]]) -> None:
    flags, probabilities = (graph.side_by_side([part[place] for part in parts]).name for place in (0, 1))
    multilabel(graph, flags, probabilities, len(parts))


def _regressor_chain(graph: Graph, model: RegressorChain, numbers: Matrix, write: Write) -> None:
    predictions: list[Matrix] = []
    for estimator in model.estimators_:
        _smooth(model, estimator)
        predictions.append(_number(graph, estimator, graph.side_by_side([numbers, *predictions]), write))
    _side_by_side(graph, [predictions[place] for place in np.argsort(model.order_)])


def _classifier_chain(graph: Graph, model: ClassifierChain, numbers: Matrix, write: Write) -> None:
    if model.chain_method_ != "predict_proba":
        raise NoGraph("ClassifierChain of labels, not of probabilities: where one is rounded otherwise, the next jumps")
    flags: list[tuple[Matrix, Matrix]] = []
    for estimator in model.estimators_:
        _smooth(model, estimator)
        before = [probability for _, probability in flags]
        flags.append(_flag(graph, estimator, graph.side_by_side([numbers, *before]), write))
    _labels(graph, [flags[place] for place in np.argsort(model.order_)])


def _smooth(model: Any, estimator: Any) -> None:
    """NoGraph unless the estimator of a chain moves by a rounding where an answer before it does."""
    if not hasattr(estimator, "coef_"):
        raise NoGraph(f"{type(model).__name__} of {type(estimator).__name__}: where one is rounded otherwise, it jumps")
