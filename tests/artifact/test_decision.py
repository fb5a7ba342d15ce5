"""Decisions: how labels follow from probabilities and scores, whichever engine computed those."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier

from artifact.decision import Decision, decided
from artifact.engines.engine import ByRows
from artifact.prediction import Columns, Prediction
from artifact.signature import Feature, Signature, for_model

INPUTS = (Feature("x", "float64"),)


def test_one_of_two_as_scikit_learn() -> None:
    """A threshold of one of two classes answers what FixedThresholdClassifier does."""
    features, species = load_iris(return_X_y=True)
    target = species == 2
    fitted = LogisticRegression(max_iter=300).fit(features, target)
    signature = for_model("classification", INPUTS, Feature("y", "bool"), fitted)
    answers = Prediction(fitted.predict(features), fitted.predict_proba(features))
    for threshold in (0.05, 0.3, 0.5, 0.9):
        labels = decided(Decision((1 - threshold, threshold)), signature, answers).values
        fixed = FixedThresholdClassifier(fitted, threshold=threshold, response_method="predict_proba")
        assert labels.tolist() == fixed.fit(features, target).predict(features).tolist()


def test_costs() -> None:
    """The label of the least expected cost: a mistake that costs ten times as much needs ten times the certainty."""
    signature = for_model("classification", INPUTS, Feature("y", "string"), _Classes())
    answers = Prediction(np.array(["a", "a", "a"], dtype=object), np.array([[0.95, 0.05], [0.91, 0.09], [0.5, 0.5]]))
    costs = Decision(costs=((0.0, 1.0), (10.0, 0.0)))
    assert decided(costs, signature, answers).values.tolist() == ["a", "a", "b"]


def test_several_classes() -> None:
    """Of several classes the one whose probability is the largest multiple of its threshold."""
    signature = Signature("multilabel", INPUTS, ())
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.1, 0.7]])
    assert Decision((0.5, 0.2, 0.9)).label_places(probabilities).tolist() == [1, 2]
    labels = decided(Decision((0.5, 0.2, 0.9)), signature, Prediction(probabilities > 1, probabilities)).values
    assert labels.tolist() == [[True, True, False], [False, False, False]]


def test_scores() -> None:
    """An outlier from the threshold of the score on."""
    answers = Prediction(np.array([False, False]), None, {"score": np.array([0.2, 0.3])})
    assert decided(Decision((0.3,)), Signature("outliers", INPUTS, ()), answers).values.tolist() == [False, True]


def test_engines_by_rows() -> None:
    """Each call is answered by the first engine that is for as many rows."""
    engines = ByRows(((2, _Says(1.0)), (5, _Says(2.0)), (None, _Says(3.0))))
    answered = [engines.predict({"x": np.zeros(count)}).values[0] for count in (1, 2, 3, 5, 6, 99)]
    assert answered == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]


class _Classes:
    classes_ = np.array(["a", "b"], dtype=object)

    def predict_proba(self, table: object) -> None: ...


class _Says:
    def __init__(self, number: float) -> None:
        self._number = number

    def predict(self, columns: Columns) -> Prediction:
        return Prediction(np.full(len(columns["x"]), self._number))


@pytest.mark.parametrize("thresholds", [(0.5,), (0.0, 1.0), (float("nan"), 0.5), (True, 0.5), (0.2, 1.2)])
def test_does_not_fit(thresholds: tuple[float, ...]) -> None:
    """Thresholds that are not as many as the classes, or are no shares, are refused."""
    signature = for_model("classification", INPUTS, Feature("y", "string"), _Classes())
    with pytest.raises(ValueError, match="does not fit"):
        Decision(thresholds).check(signature)
