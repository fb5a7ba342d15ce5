"""Graphs whose scaling is taken out when they are loaded: the same answers, to the bit, for every number."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from artifact.engines import onnx_scaling
from artifact.engines.onnx_runner import COLUMNS, Inputs, OnnxRunner, session
from artifact.engines.table import GRAPH
from artifact.signature import Feature, Output, Signature
from tests.pipeline.engine.conversion import NUMBERS, OTHERS, SCORE, THREE, chosen

MANY = 1000
INPUTS = (*NUMBERS[:2], OTHERS[0])
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -2.2e-308, 1.7e308, -1.7e308, 1 / 3, 2.0**53 + 2])
RANDOM = np.random.default_rng(7)
PLACES = {"places": 1, "last": -1}  # constants of each graph


def names_of(width: int) -> list[str]:
    """Names of so many columns."""
    return [f"column {place}" for place in range(width)]


def graph(nodes: list[Any], constants: dict[str, list[float]], kind: int = TensorProto.DOUBLE, width: int = 2) -> bytes:
    """A graph of a tensor `x` of so many columns that gives `y`."""
    tensors = [helper.make_tensor(name, kind, [len(values)], values) for name, values in constants.items()]
    tensors += [helper.make_tensor(name, TensorProto.INT64, [1], [place]) for name, place in PLACES.items()]
    x, y = helper.make_tensor_value_info("x", kind, [None, width]), helper.make_tensor_value_info("y", kind, None)
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [y], tensors), opset_imports=opsets, ir_version=8)
    helper.set_model_props(model, {COLUMNS: json.dumps([names_of(width)])})
    data: bytes = model.SerializeToString()
    return data


def chain(*operators: str) -> list[Any]:
    """Nodes, one behind the other, of which each has a constant of the name of its operator."""
    names = ["x", *(f"n{place}" for place in range(len(operators))), "y"]
    nodes = [
        helper.make_node(operator, [before, operator], [after])
        for operator, before, after in zip(operators, names[:-2], names[1:-1], strict=True)
    ]
    return [*nodes, helper.make_node("Identity", [names[-2]], ["y"])]


@pytest.mark.parametrize("operators", [["Sub"], ["Div"], ["Mul"], ["Add"], ["Sub", "Div"], ["Mul", "Add", "Div"]])
@pytest.mark.filterwarnings("error")
def test_every_number(operators: list[str]) -> None:
    """numpy computes what ONNX Runtime does, of numbers of every kind with each other, without a warning."""
    numbers = np.concatenate([SPECIAL, RANDOM.normal(0, 1e3, 20), RANDOM.normal(size=9).astype(np.float32)])
    constants = {operator: RANDOM.permutation(numbers).tolist() for operator in operators[1:]}
    constants[operators[0]] = numbers.tolist()
    data = graph(chain(*operators), constants, width=len(numbers))
    unscaled = onnx_scaling.unscaled(data)
    assert unscaled is not None
    features = [Feature(name, "float64") for name in names_of(len(numbers))]
    signature = Signature("regression", tuple(features), (Output("y", "float64"),))
    changed = session(unscaled.graph)
    values = np.append(numbers, RANDOM.choice(numbers, 30))
    for column in (values, np.arange(-30, 41) * 2**40):
        inputs = Inputs(changed, signature, unscaled=unscaled)
        (answer,) = changed.run(None, inputs.feed(dict.fromkeys(signature.names, column)))
        (expected,) = session(data).run(None, {"x": np.repeat(column[:, np.newaxis], len(numbers), 1).astype(float)})
        assert answer.shape == (len(column) + len(column) % 2, len(numbers))
        gaps = np.isnan(expected)
        answer = answer[: len(column)]
        assert np.array_equal(np.isnan(answer), gaps)
        assert np.array_equal(answer[~gaps].view(np.int64), expected[~gaps].view(np.int64))


@pytest.mark.parametrize(
    "scaler",
    [StandardScaler(), StandardScaler(with_mean=False), RobustScaler(), MinMaxScaler(), MaxAbsScaler()],
)
@pytest.mark.parametrize(("estimator", "target"), [(LogisticRegression(), THREE), (LinearRegression(), SCORE)])
def test_every_scaler(scaler: Any, estimator: Any, target: np.ndarray) -> None:
    """Many rows have the same answers as few, whatever scaler comes first; rows of any number do."""
    choice, signature, *_ = chosen(INPUTS, target, scaler, estimator)
    data = choice.files[GRAPH]
    assert onnx_scaling.unscaled(data) is not None
    runner = OnnxRunner(data, signature)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_scaling, "unscaled", lambda _: None)
        as_before = OnnxRunner(data, signature)
    for count in (1, 2, MANY - 1, MANY):
        columns = {
            "a": RANDOM.normal(1e4, 1e3, count),
            "b": RANDOM.choice(np.append(SPECIAL[3:7], RANDOM.normal(size=50)), count),
            "n": RANDOM.integers(0, 9, count),
        }
        assert runner.predict(columns).equals(as_before.predict(columns))
    few = {name: values[:100] for name, values in columns.items()}
    assert runner.predict(columns).part(0, 100).equals(runner.predict(few))


def test_chosen_columns() -> None:
    """Columns that are chosen first, of a table of numbers and texts, have the same answers among many rows."""
    before = make_column_transformer(
        (make_pipeline(StandardScaler(), MinMaxScaler()), ["b", "n"]),
        (OneHotEncoder(handle_unknown="ignore"), ["t"]),
        ("passthrough", ["a"]),
    )
    choice, signature, *_ = chosen((*INPUTS, OTHERS[2]), THREE, before, LogisticRegression(max_iter=1000))
    graphs: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        unscaled = onnx_scaling.unscaled
        patch.setattr(onnx_scaling, "unscaled", lambda data: graphs.append(unscaled(data)))
        as_before = OnnxRunner(choice.files[GRAPH], signature)
    assert [(table.places, list(map(len, table.steps))) for table in graphs[0].scaled] == [([0, 1], [4, 4]), ([2], [0])]
    columns = {
        "a": RANDOM.normal(1e4, 1e3, MANY),
        "b": RANDOM.normal(size=MANY),
        "n": RANDOM.integers(0, 9, MANY),
        "t": RANDOM.choice(np.array(["x", "y", "new"], dtype=object), MANY),
    }
    assert OnnxRunner(choice.files[GRAPH], signature).predict(columns).equals(as_before.predict(columns))


def gather(place: str, axis: int, output: str = "n") -> Any:
    """A node that chooses columns, or rows."""
    return helper.make_node("Gather", ["x", place], [output], axis=axis)


END = helper.make_node("Identity", ["n"], ["y"])
SUB = helper.make_node("Sub", ["x", "Sub"], ["y"])
TWICE = [helper.make_node("Sub", ["x", "Sub"], ["n"]), helper.make_node("Add", ["x", "n"], ["y"])]
INNER = helper.make_graph([helper.make_node("Identity", ["x"], ["out"])], "inner", [], [])
BRANCHES = helper.make_node("If", ["places"], ["y"], then_branch=INNER, else_branch=INNER)  # which read x
TURNED = [helper.make_node("Sub", ["Sub", "x"], ["n"]), END]


@pytest.mark.parametrize(
    ("nodes", "numbers", "kind"),
    [
        ([SUB], [1.0, 2.0], TensorProto.DOUBLE),
        (TWICE, [1.0, 2.0], TensorProto.DOUBLE),
        (TURNED, [1.0, 2.0], TensorProto.DOUBLE),
        (chain("Sub"), [1.0], TensorProto.DOUBLE),
        (chain("Pow"), [1.0, 2.0], TensorProto.DOUBLE),
        ([gather("places", 0), END], [1.0, 2.0], TensorProto.DOUBLE),
        ([gather("places", 1, "y")], [1.0, 2.0], TensorProto.DOUBLE),
        ([gather("last", 1), END], [1.0, 2.0], TensorProto.DOUBLE),
        ([*chain("Sub"), BRANCHES], [1.0, 2.0], TensorProto.DOUBLE),
        (chain("Sub"), [1.0, 2.0], TensorProto.FLOAT),
        ([gather("places", 1), END], [1.0, 2.0], TensorProto.FLOAT),
        (chain("Sub"), [1.0, 2.0] * 5000, TensorProto.DOUBLE),
    ],
    ids=[
        *("output", "read-twice", "subtrahend", "one-number", "operator", "rows", "chosen-output", "from-the-end"),
        *("graphs", "float32", "chosen-float32", "large"),
    ],
)
def test_what_stays_in_the_graph(nodes: list[Any], numbers: list[float], kind: int) -> None:
    """What is not plainly the scaling of each column, or is little beside the rest of a graph, is left there."""
    width = max(2, len(numbers))
    assert onnx_scaling.unscaled(graph(nodes, {"Sub": numbers, "Pow": numbers}, kind, width)) is None


def test_what_is_no_graph_of_scaled_numbers() -> None:
    """Bytes that are no graph, and a model that begins with something else, are not changed."""
    assert onnx_scaling.unscaled(b"\xff\xff\xff") is None
    assert onnx_scaling.unscaled(b"") is None
    choice, *_ = chosen(NUMBERS[:2], THREE, FunctionTransformer(np.log1p), LogisticRegression())
    assert choice.files.get(GRAPH) is None or onnx_scaling.unscaled(choice.files[GRAPH]) is None
