"""What a model takes and gives: declared once, written down, read back the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier

from artifact.errors import ConfigurationError
from artifact.signature import Feature, Output, Signature, for_model
from tests.predictor.models import Packaged

X = np.arange(8.0).reshape(-1, 1)
INPUT = (Feature("x", "float64"),)
OUTPUT = (Output("prediction", "float64"),)


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ([], "is not a mapping"),
        ({}, "dtype None is not one of float64"),
        ({"dtype": "float32"}, "dtype 'float32' is not one of float64, int64, bool, string"),
        ({"dtype": "float64", "nulable": True}, "unknown key 'nulable'; did you mean 'nullable'?"),
        ({"dtype": "float64", "nullable": "yes"}, "nullable 'yes'"),
        ({"dtype": "string", "range": [0, 1]}, "a range does not fit dtype string; declare categories"),
        ({"dtype": "float64", "range": [1]}, "range [1] is not [lowest, highest]"),
        ({"dtype": "float64", "range": [2, 1]}, "range [2, 1] is empty"),
        ({"dtype": "float64", "range": ["0", 1]}, "has the end '0'"),
        ({"dtype": "float64", "range": [True, 1]}, "has the end True"),
        ({"dtype": "float64", "range": [0, float("inf")]}, "has the end inf"),
        ({"dtype": "float64", "categories": [1.0]}, "categories do not fit dtype float64; declare a range"),
        ({"dtype": "string", "categories": []}, "at least one value"),
        ({"dtype": "string", "categories": "ab"}, "at least one value"),
        ({"dtype": "string", "categories": ["a", 1]}, "category 1 is not of dtype string; quote it"),
        ({"dtype": "int64", "categories": [True]}, "category True is not of dtype int64"),
        ({"dtype": "string", "categories": ["a", "a"]}, "holds a value twice"),
    ],
)
def test_wrong_declarations(declared: Any, says: str) -> None:
    """A schema that makes no sense is refused with the column, the value and the remedy."""
    with pytest.raises(ConfigurationError) as caught:
        Feature.from_dict("größe (cm)", declared)
    assert str(caught.value).startswith("schema of column 'größe (cm)': ")
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["", "a\nb", "\u2028", 5, None])
def test_wrong_names(name: Any) -> None:
    """A column's name is printable text, since it stands in messages, metrics and JSON."""
    with pytest.raises(ConfigurationError, match="printable text"):
        Feature.from_dict(name, {"dtype": "float64"})


def test_round_trip(people: Packaged) -> None:
    """The JSON form gives the same signature, constraints and order included."""
    assert Signature.from_dict(people.signature.to_dict()) == people.signature
    full = Feature("a", "int64", range=(None, 5), categories=(1, 2))
    assert Signature.from_dict(Signature("regression", (full,), OUTPUT).to_dict()).inputs == (full,)


@pytest.mark.parametrize("value", [{}, {"inputs": []}, {"task": "x", "inputs": [{}], "outputs": []}, {"inputs": 5}, []])
def test_no_signature(value: Any) -> None:
    """Anything else is refused as no signature."""
    with pytest.raises(ConfigurationError):
        Signature.from_dict(value)


def test_outputs_of_a_model() -> None:
    """Outputs follow from the task and from what the estimator can do; classes keep its order and the target's type."""
    texts = LogisticRegression().fit(X, np.array(["b", "a"] * 4, dtype=object))
    assert for_model("classification", INPUT, Feature("y", "string"), texts).outputs == (
        Output("label", "string", categories=("a", "b")),
        Output("probabilities", "float64", columns=("a", "b")),
    )
    flags = LogisticRegression().fit(X, np.array([True, False] * 4))
    assert for_model("classification", INPUT, Feature("y", "bool"), flags).outputs == (
        Output("label", "bool", categories=(False, True)),
        Output("probabilities", "float64", columns=("false", "true")),
    )
    whole = RidgeClassifier().fit(X, np.array([7, -1] * 4))
    (label,) = for_model("classification", INPUT, Feature("y", "int64"), whole).outputs
    assert label == Output("label", "int64", categories=(-1, 7))
    assert label.categories is not None
    assert set(map(type, label.categories)) == {int}
    number = LinearRegression().fit(X, X[:, 0])
    assert for_model("regression", INPUT, Feature("y", "float64"), number).outputs == (Output("prediction", "float64"),)


def test_unknown_task() -> None:
    """There are two tasks."""
    with pytest.raises(ConfigurationError, match="task 'ranking' is not one of classification, regression"):
        for_model("ranking", INPUT, Feature("y", "float64"), LinearRegression())


def test_common_dtype() -> None:
    """One wide tensor can carry inputs that share a type, and only those."""
    assert Signature("regression", (*INPUT, Feature("y", "float64")), ()).common_dtype == "float64"
    assert Signature("regression", (*INPUT, Feature("y", "int64")), ()).common_dtype is None
