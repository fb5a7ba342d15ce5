"""Graphs whose texts are replaced by numbers when they are loaded: the same answers, to the bit, for every text."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from artifact.categorical import Categorical, CategoricalColumns
from artifact.engines import onnx_texts
from artifact.engines.onnx_runner import COLUMNS, GAP, SENT, OnnxRunner, session
from artifact.engines.table import GRAPH, ONNX
from artifact.prediction import Columns
from artifact.signature import Feature
from tests.pipeline.engine import conversion
from tests.pipeline.engine.conversion import OTHERS, RANDOM, ROWS, TABLE, THREE, chosen

GAPS = Feature("gaps", "string", nullable=True)
INPUTS = (Feature("a", "float64"), GAPS, *OTHERS[2:])
UNSEEN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
TEXTS = ("x", "y", "z", "東京", "p", "q", "rare", "", "other", "x ", GAP, SENT)


@pytest.fixture(scope="module")
def runners() -> list[tuple[OnnxRunner, OnnxRunner]]:
    """Models of texts, that take them as numbers and as texts."""
    imputed = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    befores: list[Any] = [
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["t", "u", "gaps"]), ("passthrough", ["a"])),
        make_column_transformer((imputed, ["gaps", "t"]), (OrdinalEncoder(**UNSEEN), ["u"]), ("passthrough", ["a"])),
        make_column_transformer((OrdinalEncoder(encoded_missing_value=-2, **UNSEEN), ["gaps"])),
    ]
    gaps = RANDOM.choice(np.array(["x", "y", "rare", np.nan], dtype=object), ROWS, p=[0.5, 0.3, 0.02, 0.18])
    pairs = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "TABLE", TABLE | {"gaps": gaps})
        for before in befores:
            choice, signature, *_ = chosen(INPUTS, THREE, before, LogisticRegression(max_iter=200))
            assert choice.engines[0].name == ONNX
            graph = choice.files[GRAPH]
            assert onnx_texts.numbered(graph, session) is not None
            patch.setattr(onnx_texts, "numbered", lambda *_: None)
            pairs.append((signature, graph, OnnxRunner(graph, signature)))
            patch.undo()
            patch.setattr(conversion, "TABLE", TABLE | {"gaps": gaps})
    return [(OnnxRunner(graph, signature), as_text) for signature, graph, as_text in pairs]


def columns(texts: dict[str, list[Any]]) -> Columns:
    """A request with these texts."""
    table: dict[str, np.ndarray] = {"a": np.linspace(9_990, 10_010, len(texts["t"]))}
    return table | {name: np.array(values, dtype=object) for name, values in texts.items()}


def categorical(table: Columns) -> Columns:
    """The same, with the texts in both forms."""
    texts = {}
    for name in ("t", "u", "gaps"):
        values = table[name].tolist()
        categories = list(dict.fromkeys(values))
        texts[name] = Categorical(categories, np.array([categories.index(value) for value in values], np.intp))
    return CategoricalColumns(list(table), {"a": table["a"]}, texts)


@given(
    st.lists(st.tuples(*[st.sampled_from(TEXTS) | st.text()] * 2, st.sampled_from([*TEXTS, np.nan]) | st.text()),
             min_size=1, max_size=5)
)  # fmt: skip
def test_every_text(runners: list[tuple[OnnxRunner, OnnxRunner]], rows: list[tuple[Any, ...]]) -> None:
    """Texts of the graph, others, the marks for a missing text, and missing ones, one by one and as categories."""
    table = columns(dict(zip(("t", "u", "gaps"), map(list, zip(*rows, strict=True)), strict=True)))
    many = {name: np.tile(values, 65) for name, values in table.items()}
    many["gaps"] = np.array([float("nan") if text != text else text for text in many["gaps"]], dtype=object)
    for as_numbers, as_text in runners:
        expected = as_text.predict(table)
        assert as_numbers.predict(table).equals(expected)
        assert as_numbers.predict(many).equals(as_text.predict(many))
        assert as_numbers.predict(categorical(table)).equals(expected)


STRING, DOUBLE, INT64 = TensorProto.STRING, TensorProto.DOUBLE, TensorProto.INT64


def graph(nodes: list[Any], output: int, constants: dict[str, Any], width: int = 2) -> bytes:
    """A graph of a tensor `texts` that gives `y`."""
    tensors = [
        helper.make_tensor(name, STRING if isinstance(values[0], bytes) else INT64, [len(values)], values)
        for name, values in constants.items()
    ]
    inputs = [helper.make_tensor_value_info("texts", STRING, [None, width])]
    outputs = [helper.make_tensor_value_info("y", output, None)]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs, tensors), opset_imports=opsets, ir_version=8
    )
    helper.set_model_props(model, {COLUMNS: json.dumps([["t", "u"][:width]])})
    data: bytes = model.SerializeToString()
    return data


def encoder(source: str, output: str = "y", **values: Any) -> Any:
    """A LabelEncoder."""
    values = values or {"values_int64s": [1, 2], "default_int64": 0}
    return helper.make_node("LabelEncoder", [source], [output], domain="ai.onnx.ml", keys_strings=["x", "y"], **values)


def gather(place: str, axis: int = 1) -> Any:
    """A column of the input."""
    return helper.make_node("Gather", ["texts", place], ["one"], axis=axis)


FLAT = helper.make_node("Reshape", ["one", "flat"], ["texts1"])
CONSTANTS = {"place": [1], "places": [0, 1], "flat": [-1], "word": [b"x"]}


def node(operator: str, *inputs: str, output: str = "y", **attributes: Any) -> Any:
    """A node with one output."""
    return helper.make_node(operator, inputs, [output], **attributes)


@pytest.mark.parametrize(
    ("nodes", "output"),
    [
        ([node("Identity", "texts")], STRING),
        ([gather("place"), node("Identity", "one")], STRING),
        ([gather("places"), FLAT, encoder("texts1")], INT64),
        ([gather("place", axis=0), FLAT, encoder("texts1")], INT64),
        ([gather("place"), encoder("one")], INT64),
        ([gather("place"), FLAT, encoder("texts1", values_floats=[1.0, 2.0])], TensorProto.FLOAT),
        ([encoder("texts")], INT64),
        ([gather("place"), FLAT, encoder("texts1", "n"), node("Equal", "texts", "word", output="same"),
          node("Where", "same", "texts", "word")], STRING),
        ([gather("place"), node("StringNormalizer", "one", output="low", case_change_action="LOWER"), encoder("low")],
         INT64),
    ],
)  # fmt: skip
def test_what_is_not_known_stays_text(nodes: list[Any], output: int) -> None:
    """A graph that does anything else with its texts goes on taking them."""
    assert onnx_texts.numbered(graph(nodes, output, CONSTANTS), session) is None


def test_what_is_no_graph_of_texts() -> None:
    """Bytes that are no graph, and a graph without texts, are not changed."""
    assert onnx_texts.numbered(b"\xff\xff\xff", session) is None
    assert onnx_texts.numbered(b"", session) is None


def test_one_column_alone() -> None:
    """An input of one column needs no Gather, and one that nothing reads is dropped."""
    nodes = [node("Reshape", "texts", "flat", output="texts1"), encoder("texts1")]
    changed = onnx_texts.numbered(graph(nodes, INT64, CONSTANTS, width=1), session)
    assert changed is not None
    numbers = changed.of("y", None, SENT)
    assert [numbers[text] for text in ("x", "y", "z", "other")] == [1, 2, 0, 0]
    unread = [node("ConstantOfShape", "place")]
    changed = onnx_texts.numbered(graph(unread, TensorProto.FLOAT, CONSTANTS), session)
    assert changed is not None
    assert session(changed.graph).run(None, {})[0].tolist() == [0.0]


def test_what_is_computed_of_the_numbers() -> None:
    """Nodes behind the number of a text stay in the graph, which gives what it gave for the texts."""
    nodes = [gather("place"), FLAT, encoder("texts1", "n"), node("Cast", "n", to=DOUBLE)]
    data = graph(nodes, DOUBLE, CONSTANTS)
    changed = onnx_texts.numbered(data, session)
    assert changed is not None
    assert changed.columns == {"n": ("texts", 1)}
    of_text, texts = changed.of("n", None, SENT), ["y", "x", "z"]
    (expected,) = session(data).run(None, {"texts": np.array([["x", text] for text in texts], dtype=object)})
    (answer,) = session(changed.graph).run(None, {"n": np.array([of_text[text] for text in texts])})
    assert answer.tolist() == expected.tolist() == [2.0, 1.0, 0.0]


def test_signature_without_texts() -> None:
    """A graph for numbers alone is not read a second time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_texts, "numbered", lambda *_: pytest.fail("read"))
        choice, signature, *_ = chosen((Feature("a", "float64"),), THREE, LogisticRegression(max_iter=200))
        OnnxRunner(choice.files[GRAPH], signature)
