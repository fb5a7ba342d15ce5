"""The reference profile: the distribution of what training saw, to the count."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from artifact import profile
from artifact.prediction import Prediction
from artifact.signature import Feature, Output, Signature

NAN = float("nan")


def profile_of(feature: Feature, values: Any, dtype: Any = np.float64) -> dict[str, Any]:
    """The profile of one column."""
    frame = {feature.name: np.array(values, dtype=dtype)}
    prediction = Prediction(np.zeros(len(values)), None)
    signature = Signature("regression", (feature,), (Output("prediction", "float64"),))
    result: dict[str, Any] = profile.reference(signature, frame, prediction)["features"][feature.name]
    return result


def test_numbers() -> None:
    """Ten equally filled bins; a value equal to an edge belongs to the bin on its right."""
    result = profile_of(Feature("x", "float64"), np.arange(100.0))
    assert result["counts"] == [9, 10, 10, 10, 10, 10, 10, 10, 10, 11]
    assert result["edges"] == [9.0, 19.0, 29.0, 39.0, 49.0, 59.0, 69.0, 79.0, 89.0]
    assert (result["min"], result["max"], result["missing"]) == (0.0, 99.0, 0)


@pytest.mark.parametrize("values", [[5.0] * 40, [0.0] * 39 + [1.0], list(range(3)), [1.0, NAN, 2.0], [7.0]])
def test_counts_add_up(values: list[float]) -> None:
    """However the values lie, counts are one more than edges, and every present value is counted once."""
    result = profile_of(Feature("x", "float64", nullable=True), values)
    present = [value for value in values if value == value]
    assert len(result["counts"]) == len(result["edges"]) + 1
    assert sum(result["counts"]) == len(present)
    assert result["missing"] == len(values) - len(present)
    edges = np.array(result["edges"])
    counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
    assert result["counts"] == counts.tolist()


def test_nothing_present() -> None:
    """A column that is missing throughout has no edges, and no invented range."""
    result = profile_of(Feature("x", "float64", nullable=True), [NAN, NAN])
    assert result == {"kind": "numeric", "missing": 2, "edges": [], "counts": [0], "min": None, "max": None}


def test_whole_numbers() -> None:
    """int64 columns are numbers too."""
    result = profile_of(Feature("x", "int64"), [1, 1, 2], np.int64)
    assert (result["kind"], sum(result["counts"]), result["min"], result["max"]) == ("numeric", 3, 1.0, 2.0)


def test_texts() -> None:
    """The fifty most frequent texts with their counts, ties by the alphabet, the rest as one number."""
    values = [f"city {at:03}" for at in range(60) for _ in range(2)] + ["Bonn"] * 5 + [NAN]
    result = profile_of(Feature("x", "string", nullable=True), values, object)
    assert result["counts"]["Bonn"] == 5
    assert sorted(result["counts"]) == ["Bonn", *(f"city {at:03}" for at in range(49))]
    assert (result["other"], result["missing"]) == (22, 1)


def test_booleans() -> None:
    """Booleans are counted under their JSON names."""
    result = profile_of(Feature("x", "bool", nullable=True), [1.0, 0.0, 1.0, NAN])
    assert result == {"kind": "categorical", "missing": 1, "counts": {"false": 1, "true": 2}, "other": 0}


@pytest.mark.parametrize(
    ("dtype", "labels", "counts"),
    [
        ("string", np.array(["b", "a", "b"], dtype=object), {"a": 1, "b": 2}),
        ("int64", np.array([7, -1, 7]), {"-1": 1, "7": 2}),
        ("bool", np.array([True, False, True]), {"false": 1, "true": 2}),
    ],
)
def test_predictions(dtype: str, labels: np.ndarray, counts: dict[str, int]) -> None:
    """Answered labels are counted; answered numbers get bins as features do."""
    frame = {"x": np.array([1.0, 2.0, 3.0])}
    signature = Signature("classification", (Feature("x", "float64"),), (Output("label", dtype),))
    assert profile.reference(signature, frame, Prediction(labels))["outputs"]["label"]["counts"] == counts
    regression = Signature("regression", (Feature("x", "float64"),), (Output("prediction", "float64"),))
    result = profile.reference(regression, frame, Prediction(np.array([1.0, 2.0, 3.0]), None))
    assert (result["rows"], result["held_out"], result["outputs"]["prediction"]["kind"]) == (3, 3, "numeric")


def test_certainty() -> None:
    """Of held-out answers the profile says how sure they were, how many were right, and a share that never falls."""
    inputs = (Feature("x", "float64"),)
    outputs = (Output("label", "bool", categories=(False, True)), Output("probabilities", "float64", ("false", "true")))
    signature = Signature("classification", inputs, outputs)
    sure = np.array([0.52, 0.55, 0.58, 0.65, 0.66, 1.0])
    answers = Prediction(np.ones(6, dtype=bool), np.column_stack([1 - sure, sure]))
    right = np.array([True, True, False, True, False, True])
    result = profile.reference(signature, {"x": np.arange(6.0)}, answers, right)["confidence"]
    assert result["counts"] == [0, 0, 0, 0, 0, 3, 2, 0, 0, 1]
    assert result["right"] == [0, 0, 0, 0, 0, 2, 1, 0, 0, 1]
    # 2 of 3 and then 1 of 2 would fall: both bins get 3 of 5, and the empty ones behind them the same.
    assert result["calibrated"] == [0.0] * 5 + [0.6] * 4 + [1.0]


def test_is_json() -> None:
    """The profile is plain JSON: no numpy type, no NaN."""
    result = profile_of(Feature("x", "float64", nullable=True), [1.5, NAN])
    assert json.loads(json.dumps(result, allow_nan=False)) == result
