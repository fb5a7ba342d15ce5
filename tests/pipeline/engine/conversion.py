"""A table of every type, and the conversion of a Pipeline that is fitted on it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import joblib
import numpy as np
from sklearn.pipeline import make_pipeline

from artifact.engines.table import ONNX
from artifact.prediction import Columns
from artifact.signature import Feature, Signature, for_model
from artifact.validation import frame
from pipeline.engine import engines
from pipeline.engine.choice import Choice

ROWS = 300
RANDOM = np.random.default_rng(2)
NUMBERS = tuple(Feature(name, "float64", nullable=name == "c") for name in "abc")
OTHERS = (
    Feature("n", "int64", range=(0, 9)),
    Feature("ok", "bool", nullable=True),
    Feature("t", "string"),
    Feature("u", "string"),
)
TABLE: dict[str, Any] = {
    "a": RANDOM.normal(1e4, 1, ROWS),
    "b": RANDOM.lognormal(0, 2, ROWS),
    "c": np.where(RANDOM.random(ROWS) < 0.2, np.nan, RANDOM.normal(size=ROWS)),
    "n": RANDOM.integers(0, 5, ROWS),
    "ok": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.integers(0, 2, ROWS)),
    "t": RANDOM.choice(np.array(["x", "y", "z", "東京"], dtype=object), ROWS, p=[0.6, 0.3, 0.08, 0.02]),
    "u": RANDOM.choice(np.array(["p", "q"], dtype=object), ROWS),
}
SCORE = (TABLE["a"] - 1e4) + np.log(TABLE["b"]) + (TABLE["t"] == "y") + TABLE["n"] / 5 + RANDOM.normal(size=ROWS)
THREE = np.array(["low", "mid", "high"], dtype=object)[np.digitize(SCORE, np.quantile(SCORE, [0.3, 0.7]))]
TWO = np.greater(SCORE, np.median(SCORE))


def chosen(inputs: tuple[Feature, ...], target: np.ndarray, *steps: Any) -> tuple[Choice, Signature, Any, Columns]:
    """The engine of a Pipeline of `steps`, with what it was chosen for."""
    task = "regression" if target.dtype.kind == "f" else "classification"
    dtype = {"f": "float64", "i": "int64", "b": "bool", "O": "string"}[target.dtype.kind]
    columns = {feature.name: TABLE[feature.name] for feature in inputs}
    model = make_pipeline(*steps).fit(frame.from_columns(Signature(task, inputs, ()), columns), target)
    signature = for_model(task, inputs, Feature("target", dtype), model)
    stream = BytesIO()
    joblib.dump(model, stream)
    return (
        engines.choose(stream.getvalue(), model, signature, train=columns, holdout=columns),
        signature,
        model,
        columns,
    )


def equal(choice: Choice) -> bool:
    """Whether a graph was proved, and differs in last bits at most."""
    assert (choice.engines[0].name, choice.refusals) == (ONNX, {})
    return max(choice.agreements[ONNX].differences.values()) < 1e-9
