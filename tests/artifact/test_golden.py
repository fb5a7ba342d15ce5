"""Golden requests: made with the model, replayed before it may serve, and a difference is named."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from artifact import golden
from artifact.engines.sklearn_runner import SklearnRunner
from artifact.errors import ConfigurationError, GoldenError
from artifact.prediction import Columns, Prediction, Runner, rows
from artifact.signature import Feature, Output, Signature
from artifact.validation.validator import validated_columns
from tests.predictor.models import Packaged


class Fails:
    """A model that raises on one value of its first column."""

    def __init__(self, wrong: Any) -> None:
        self.wrong = wrong

    def predict(self, columns: Columns) -> Prediction:
        for value in next(iter(columns.values())):
            if value == self.wrong or (self.wrong is None and value != value):
                raise ValueError("no such category")
        return Prediction(np.zeros(rows(columns)), None)


def runner(packaged: Packaged) -> Runner:
    """The model as it serves."""
    return SklearnRunner(packaged.pipeline, packaged.signature)


def table_of(packaged: Packaged) -> Columns:
    """Rows to choose golden requests from."""
    return validated_columns(packaged.signature, packaged.rows)


@pytest.fixture
def golden_requests(people: Packaged) -> dict[str, Any]:
    """Golden requests of a model with columns of every type."""
    return golden.make(people.signature, runner(people), table_of(people), 5)


def test_replay(people: Packaged, golden_requests: dict[str, Any]) -> None:
    """The model that made them repeats them, gaps and edge rows included."""
    golden.replay(people.signature, runner(people), golden_requests)
    requests = [
        dict(zip(golden_requests["inputs"], row, strict=True))
        for row in zip(*golden_requests["inputs"].values(), strict=True)
    ]
    edges = requests[5:]
    assert any(row["größe (cm)"] is None for row in edges)
    assert any(row["smoker"] is None for row in edges)
    assert any(row["city"] is None for row in edges)
    assert any(row["city"] == "never seen in training" for row in edges)
    assert [row["rooms"] for row in edges if row["rooms"] in (0, 50)] == [0, 50]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda outputs: outputs["label"].__setitem__(2, not outputs["label"][2]), "golden request 2: label is"),
        (lambda outputs: outputs["label"].__setitem__(0, int(outputs["label"][0])), "golden request 0: label is"),
        (
            lambda outputs: outputs["probabilities"][1].__setitem__(0, outputs["probabilities"][1][0] + 2e-6),
            "request 1",
        ),
        (lambda outputs: outputs["probabilities"][1].append(0.0), "golden request 1: probabilities"),
        (lambda outputs: outputs["label"].pop(), "were recorded"),
        (lambda outputs: outputs.pop("probabilities"), "probabilities"),
        (lambda outputs: outputs["probabilities"].__setitem__(0, [float("nan")] * 2), "golden request 0"),
    ],
    ids=["other label", "label of another type", "other probability", "other shape", "fewer", "no output", "NaN"],
)
def test_a_difference_is_named(people: Packaged, golden_requests: dict[str, Any], change: Any, says: str) -> None:
    """Another label, a probability off by more than 1e-6, or answers of another form: 23, and the row is named."""
    other = copy.deepcopy(golden_requests)
    change(other["outputs"])
    with pytest.raises(GoldenError, match=says):
        golden.replay(people.signature, runner(people), other)


def test_a_difference_within_the_tolerance(people: Packaged, golden_requests: dict[str, Any]) -> None:
    """Another class of CPU may differ by up to 1e-6."""
    golden_requests["outputs"]["probabilities"] = [
        [value + 9e-7 for value in row] for row in golden_requests["outputs"]["probabilities"]
    ]
    replayed = golden.replay(people.signature, runner(people), golden_requests)
    assert {len(values) for values in replayed.values()} == {len(golden_requests["outputs"]["label"])}


@pytest.mark.parametrize("wrong", [{}, {"tolerance": 1e-6}, {"tolerance": "x", "outputs": {}}, {"inputs": []}])
def test_no_golden_requests(people: Packaged, wrong: dict[str, Any]) -> None:
    """A file that holds none is a failed self-test, not a crash."""
    with pytest.raises(GoldenError, match="golden requests fail"):
        golden.replay(people.signature, runner(people), wrong)


def test_regression_is_relative() -> None:
    """The answers of a regression may differ by 1e-6 of their size."""
    signature = Signature("regression", (Feature("x", "float64"),), (Output("prediction", "float64"),))

    def answer(value: float) -> Any:
        return type("Says", (), {"predict": lambda self, columns: Prediction(np.full(rows(columns), value), None)})()

    golden_requests = golden.make(signature, answer(1e9), {"x": np.array([1.0])}, 1)
    golden.replay(signature, answer(1e9 + 900), golden_requests)
    with pytest.raises(GoldenError, match="golden request 0: prediction is"):
        golden.replay(signature, answer(1e9 + 1100), golden_requests)


@pytest.mark.parametrize(
    ("feature", "wrong", "says"),
    [
        (Feature("x", "string"), "never seen in training", "fails on 'never seen in training' in 'x'"),
        (Feature("x", "string", nullable=True), None, "fails on a missing value in 'x'"),
        (Feature("x", "float64", range=(0, 9)), 9.0, "fails on 9 in 'x'"),
        (Feature("x", "int64"), 1 + (1 << 20), "fails on 1048577 in 'x'"),
    ],
)
def test_a_model_that_fails_on_what_its_schema_allows(feature: Feature, wrong: Any, says: str) -> None:
    """It is refused when it is packaged, with the value and the remedy, not when a caller sends that value."""
    signature = Signature("regression", (feature,), (Output("prediction", "float64"),))
    table = validated_columns(signature, {"x": ["seen"] if feature.dtype == "string" else [1]})
    with pytest.raises(ConfigurationError) as caught:
        golden.make(signature, Fails(wrong), table, 1)
    assert says in str(caught.value)
    assert "declare categories or nullable: false" in str(caught.value)


def test_rows_are_spread(iris: Packaged) -> None:
    """The requests are spread through the table they come from, and never more than there are."""
    table = table_of(iris)
    golden_requests = golden.make(iris.signature, runner(iris), table, 4)
    picked = golden_requests["inputs"]["petal length (cm)"][:4]
    assert (picked[0], picked[-1]) == (table["petal length (cm)"][0], table["petal length (cm)"][-1])
    everything = golden.make(iris.signature, runner(iris), table, 10_000)
    assert len(everything["outputs"]["label"]) == rows(table) + 8  # and the ends of four ranges
    with pytest.raises(ConfigurationError, match="at least one is needed"):
        golden.make(iris.signature, runner(iris), {name: values[:0] for name, values in table.items()}, 4)
