"""Which engine answers a row, and that all that may answer is loaded before one is asked."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.linear_model import Ridge

from artifact import golden
from artifact.engines.engine import Fallback, runner
from artifact.engines.table import GRAPH, MODEL, ONNX, SKLEARN
from artifact.errors import ConfigurationError, ForbiddenTypeError, GoldenError
from artifact.prediction import Columns, Prediction, rows
from artifact.signature import Feature, Output, Signature, for_model
from pipeline.engine import conversion

INPUTS = (Feature("a", "float64"), Feature("b", "float64"))


def model() -> tuple[Any, bytes, Signature]:
    """A regression whose answers float32 cannot hold where `a` is great."""
    random = np.random.default_rng(3)
    table = pd.DataFrame(random.normal(size=(50, 2)), columns=["a", "b"])
    fitted = Ridge().fit(table, 1e30 * table["a"] + table["b"])
    stream = BytesIO()
    joblib.dump(fitted, stream)
    return fitted, stream.getvalue(), for_model("regression", INPUTS, Feature("y", "float64"), fitted)


def narrow(fitted: Any) -> bytes:
    """The graph of that model as artifacts held it before: float32, an input a feature, and no word about itself."""
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in "ab"]
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2, 1], fitted.coef_.tolist())
    shift = helper.make_tensor("shift", TensorProto.FLOAT, [1], [fitted.intercept_])
    nodes = [
        helper.make_node("Concat", ["a", "b"], ["both"], axis=1),
        helper.make_node("Gemm", ["both", "weights", "shift"], ["variable"]),
    ]
    output = helper.make_tensor_value_info("variable", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph(nodes, "model", inputs, [output], [weights, shift])
    result: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return result


TABLE = {"a": np.array([1.0, 1e30, -2.0]), "b": np.array([5.0, 1.0, 2.0])}


def test_an_old_graph_falls_back_row_by_row() -> None:
    """A graph in float32 answers what it can; the row that overflows, and no other, is scikit-learn's."""
    fitted, data, signature = model()
    served = runner(ONNX, {MODEL: data, GRAPH: narrow(fitted)}, signature)
    assert isinstance(served, Fallback)
    assert served.first.predict(TABLE).finite().tolist() == [True, False, True]
    answers, exact = served.predict(TABLE).values, runner(SKLEARN, {MODEL: data}, signature).predict(TABLE).values
    assert answers[1] == exact[1]
    assert answers[[0, 2]].tolist() == served.first.predict(TABLE).values[[0, 2]].tolist()
    assert answers[0] != exact[0]


def test_all_that_may_answer_is_loaded_at_once() -> None:
    """A pickle that cannot be loaded is refused with an old graph, and never looked at with one that answers alone."""
    fitted, _, signature = model()
    with pytest.raises(ForbiddenTypeError):
        runner(ONNX, {MODEL: b"junk", GRAPH: narrow(fitted)}, signature)
    alone = runner(ONNX, {MODEL: b"junk", GRAPH: conversion.convert(fitted, signature)}, signature)
    assert alone.predict(TABLE).finite().all()


def test_golden_answers_are_asked_of_the_second_engine_too() -> None:
    """Any row may be one that the first cannot answer: an engine behind it that answers otherwise must not serve."""
    signature = Signature("regression", (Feature("x", "float64"),), (Output("prediction", "float64"),))

    class Says:
        def __init__(self, value: float) -> None:
            self.value = value

        def predict(self, columns: Columns) -> Prediction:
            return Prediction(np.full(rows(columns), self.value), None)

    result = golden.make(signature, Says(1.0), {"x": np.array([1.0, 2.0])}, 2)
    golden.replay(signature, Fallback(Says(1.0), Says(1.0)), result)
    with pytest.raises(GoldenError, match="prediction is 2"):
        golden.replay(signature, Fallback(Says(1.0), Says(2.0)), result)


def test_a_row_without_a_finite_answer_is_no_golden_request() -> None:
    """A caller is refused such a row; the others are kept, and a model that answers none of them is refused."""
    signature = Signature("regression", (Feature("x", "float64", range=(0, 9)),), (Output("prediction", "float64"),))

    class Overflows:
        def __init__(self, bound: float) -> None:
            self.bound = bound

        def predict(self, columns: Columns) -> Prediction:
            return Prediction(np.where(columns["x"] > self.bound, np.inf, columns["x"]), None)

    result = golden.make(signature, Overflows(5), {"x": np.array([1.0, 2.0, 7.0])}, 3)
    assert result["inputs"]["x"] == result["outputs"]["prediction"] == [1.0, 2.0, 0.0]
    golden.replay(signature, Overflows(5), result)
    with pytest.raises(ConfigurationError, match="finite answer for none"):
        golden.make(signature, Overflows(-1), {"x": np.array([1.0])}, 1)
