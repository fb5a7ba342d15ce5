"""Texts that may be missing, and the calendar of moments, in a graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from onnx import TensorProto
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, TargetEncoder

from artifact.engines import onnx_texts
from artifact.engines.onnx_runner import GAP, SENT
from artifact.engines.table import ONNX
from artifact.signature import Feature
from features.calendar import PARTS, CalendarFeatures
from pipeline.engine import calendar_parts
from pipeline.engine.graph import Graph, columns_of
from tests.pipeline.engine import conversion
from tests.pipeline.engine.conversion import RANDOM, ROWS, TABLE, THREE, TWO, chosen

INPUTS = (Feature("a", "float64"), Feature("gaps", "string", nullable=True), Feature("t", "string"))
UNSEEN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}


@pytest.fixture(autouse=True)
def _gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    values = RANDOM.choice(np.array(["x", "y", "rare", np.nan], dtype=object), ROWS, p=[0.5, 0.3, 0.02, 0.18])
    monkeypatch.setattr(conversion, "TABLE", TABLE | {"gaps": values})


@pytest.mark.parametrize(
    "steps",
    [
        [OneHotEncoder(handle_unknown="ignore")],
        [OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2)],
        [OrdinalEncoder(encoded_missing_value=-2, max_categories=3, **UNSEEN)],
        [TargetEncoder(random_state=1)],
        [SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")],
    ],
    ids=["one-hot", "infrequent", "ordinal", "by target", "imputed"],
)
def test_a_missing_text_has_a_place(steps: list[Any]) -> None:
    """What is missing is a category of its own, or filled in; the text that stands for it, if sent, is just unknown."""
    before = make_column_transformer((make_pipeline(*steps), ["gaps", "t"]), ("passthrough", ["a"]))
    target = TWO if isinstance(steps[0], TargetEncoder) else THREE
    choice, signature, model, columns = chosen(INPUTS, target, before, LogisticRegression())
    assert choice.name == ONNX
    served = choice.runner(b"", signature)
    texts = np.array([np.nan, GAP, SENT, "x", "rare", ""], dtype=object)
    table = {name: values[: len(texts)] for name, values in columns.items()} | {"gaps": texts}
    exact = model.predict_proba(pd.DataFrame(table))
    np.testing.assert_allclose(served.predict(table).probabilities, exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("as_numbers", [True, False])
def test_the_mark_is_a_text_where_none_is_missing(as_numbers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text that stands for a missing one is not filled in where it is sent for a column that has no gaps."""
    filled = make_pipeline(SimpleImputer(strategy="constant", fill_value="x"), OneHotEncoder(handle_unknown="ignore"))
    before = make_column_transformer((filled, ["t"]), ("passthrough", ["a"]))
    choice, signature, model, columns = chosen((INPUTS[0], INPUTS[2]), THREE, before, LogisticRegression())
    assert choice.name == ONNX
    if not as_numbers:
        monkeypatch.setattr(onnx_texts, "numbered", lambda *_: None)
    table = {"a": columns["a"][:3], "t": np.array([GAP, SENT, "x"], dtype=object)}
    exact = model.predict_proba(pd.DataFrame(table))
    served = choice.runner(b"", signature).predict(table)
    np.testing.assert_allclose(served.probabilities, exact, rtol=0, atol=1e-12)


def test_parts_of_moments() -> None:
    """Every part of any moment that pandas knows is what CalendarFeatures says, to the bit, and so are its cycles."""
    random = np.random.default_rng(3)
    whole = random.integers(-9_000_000_000, 9_000_000_000, 4000).astype(float)
    near = np.concatenate([whole[:500] - 1e-6, random.integers(-(10**6), 10**6, 500) - 1e-10])
    days = np.arange(-800, 800) * 86_400.0 * 365.25 / 4
    odd = [np.nan, 5e-324, -5e-324, -1e-12, 0.0, 1e10, -1e10, 9_223_372_036.8, -9_223_372_036.8]
    moments = np.concatenate([whole, near, days, odd])
    for cyclic in (False, True):
        frame = pd.DataFrame({"at": moments})
        transformer = CalendarFeatures(parts=list(PARTS), cyclic=cyclic).fit(frame)
        graph = Graph()
        numbers = graph.input("numbers", ["at"], False)
        result = graph.gather(calendar_parts.add(graph, transformer, columns_of(numbers)))
        graph.add("Identity", result.name, output="parts")
        graph.output("parts", TensorProto.DOUBLE, [None, result.width])
        session = onnxruntime.InferenceSession(graph.to_bytes())
        (parts,) = session.run(None, {"numbers": moments[:, None]})
        np.testing.assert_array_equal(parts, transformer.transform(frame))


def test_dates_in_text_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names the remedy: a column that is declared as date or datetime."""
    texts = np.array([f"2024-01-{day % 28 + 1:02d}" for day in range(ROWS)], dtype=object)
    monkeypatch.setattr(conversion, "TABLE", TABLE | {"t": texts})
    calendar = make_column_transformer((CalendarFeatures(["day"]), ["t"]), ("passthrough", ["a"]))
    choice, *_ = chosen((INPUTS[0], INPUTS[2]), THREE, calendar, LogisticRegression(max_iter=500))
    assert "declare them as date or datetime" in choice.refusals[ONNX]


@pytest.mark.parametrize("encode", ["ordinal", "onehot-dense"])
def test_bins(encode: str) -> None:
    """A number at an edge is in the bin on its right, as scikit-learn has it."""
    inputs = tuple(replace(INPUTS[0], name=name) for name in "ab")
    choice, *_ = chosen(inputs, THREE, KBinsDiscretizer(4, encode=encode), LogisticRegression(max_iter=500))
    assert choice.name == ONNX
