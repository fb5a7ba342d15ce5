"""Expectations of behaviour hold or are broken, and say by how many rows; calibration says what it should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from artifact.errors import ConfigurationError
from artifact.prediction import Columns, Prediction
from artifact.signature import Feature, Output, Signature
from pipeline.evaluation import behaviour, calibration
from pipeline.params.evaluate import Check

ROWS = 200
INPUTS = (
    Feature("a", "float64", nullable=True, range=(0, 10)),
    Feature("n", "int64"),
    Feature("t", "string"),
    Feature("f", "bool"),
)
REGRESSION = Signature("regression", INPUTS, (Output("prediction", "float64"),))
CLASSES = Signature(
    "classification", INPUTS, (Output("label", "string", categories=("no", "yes")),
                               Output("probabilities", "float64", columns=("no", "yes"))),
)  # fmt: skip
RANDOM = np.random.default_rng(2)
HOLDOUT: dict[str, np.ndarray] = {
    "a": RANDOM.uniform(0, 9, ROWS),
    "n": RANDOM.integers(0, 5, ROWS),
    "t": RANDOM.choice(np.array(["x", "y", "z"], dtype=object), ROWS),
    "f": RANDOM.integers(0, 2, ROWS).astype(float),
}
HOLDOUT["a"][:20] = np.nan


class Straight:
    """0.05 a, and more for t = z; falls again from a = 8."""

    def __init__(self, probabilities: bool = False) -> None:
        self._probabilities = probabilities

    def predict(self, columns: Columns) -> Prediction:
        a = np.nan_to_num(columns["a"])
        value = np.where(a < 8, 0.05 * a, 0.4 - 0.1 * (a - 8)) + 0.2 * (columns["t"] == "z")
        if not self._probabilities:
            return Prediction(value, None)
        labels = np.where(value > 0.5, "yes", "no").astype(object)
        return Prediction(labels, np.column_stack([1 - value, value]))


def tried(kind: str, column: str, by: float | None = None, classes: bool = False, **changes: Any) -> dict[str, Any]:
    check = Check(check=kind, column=column, by=by, **changes)
    runner, signature = Straight(classes), CLASSES if classes else REGRESSION
    (result,) = behaviour.run((check,), signature, runner, HOLDOUT)
    return result


def test_a_direction_is_held_or_broken() -> None:
    """Rows that break it are those beyond the bend; missing values have no direction; a range bounds the move."""
    beyond = int((np.nan_to_num(HOLDOUT["a"]) > 1.1 / 0.15).sum())
    result = tried("increasing", "a", 1.0)
    assert result["rows"] == ROWS - 20
    assert result["broke"] == beyond
    assert 0 < result["worst"] <= 0.1 + 1e-9
    assert not result["passed"]
    assert tried("increasing", "a", 1.0, tolerated=0.5)["passed"]
    assert tried("increasing", "a", 1.0, epsilon=0.1)["passed"]
    assert tried("decreasing", "a", 1.0)["broke"] > result["broke"]
    assert tried("increasing", "a", 1.0, classes=True, output="yes")["broke"] == result["broke"]
    assert tried("decreasing", "a", 1.0, classes=True, output="no")["broke"] == result["broke"]
    with pytest.raises(ConfigurationError, match="none of the classes"):
        tried("increasing", "a", 1.0, classes=True, output="maybe")


def test_an_invariance_is_held_or_broken() -> None:
    """Numbers are moved both ways, text and booleans take each other value seen; each row counts once."""
    assert tried("invariant", "n", 1)["passed"]
    assert tried("invariant", "f")["passed"]
    result = tried("invariant", "t", epsilon=0.1)
    assert (result["rows"], result["broke"]) == (ROWS, ROWS)
    assert result["worst"] == pytest.approx(0.2)
    assert tried("invariant", "t", epsilon=0.2)["passed"]
    labels = tried("invariant", "t", classes=True)
    assert 0 < labels["broke"] < ROWS


def test_calibration_is_what_was_seen_against_what_was_said() -> None:
    """Classification: certainty against being right. Regression: tenths of the prediction against the target."""
    scores = np.array([[0.95, 0.05], [0.92, 0.08], [0.35, 0.65]])
    classes = np.array(["a", "b"], dtype=object)
    target = np.array(["a", "b", "b"], dtype=object)
    prediction = Prediction(classes[scores.argmax(axis=1)], scores)
    low, high = calibration.curve("classification", target, prediction, classes)
    assert low == {"rows": 1, "predicted": 0.65, "observed": 1.0}
    assert (high["rows"], high["observed"]) == (2, 0.5)
    values = np.arange(100.0)
    bins = calibration.curve("regression", values + 3, Prediction(values, None), np.empty(0))
    assert [row["rows"] for row in bins] == [10] * 10
    assert all(row["observed"] - row["predicted"] == 3 for row in bins)
    assert calibration.curve("classification", target, Prediction(target, None), classes) == []
