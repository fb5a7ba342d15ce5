"""The metrics are scikit-learn's, and their intervals hold them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from artifact.prediction import Prediction
from pipeline.bootstrap import intervals
from pipeline.metrics import measures
from pipeline.params import Bootstrap
from pipeline.threshold import METRICS

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_classification_metrics_are_scikit_learns(classes: int) -> None:
    """All five, weighted as a resample weighs the rows, ties in the scores included."""
    names = np.array(list("abcdef"[:classes]), dtype=object)
    target = names[RANDOM.integers(0, classes, 300)]
    scores = RANDOM.random((300, classes)).round(1) + 0.01
    scores /= scores.sum(axis=1, keepdims=True)
    label = names[scores.argmax(axis=1)]
    found = measures("classification", target, Prediction(label, scores), names)
    assert tuple(found) == METRICS["classification"]
    for weights in (np.ones(300), np.bincount(RANDOM.integers(0, 300, 300), minlength=300).astype(float)):
        expected = {
            "accuracy": reference.accuracy_score(target, label, sample_weight=weights),
            "balanced_accuracy": reference.balanced_accuracy_score(target, label, sample_weight=weights),
            "f1_macro": reference.f1_score(target, label, average="macro", sample_weight=weights),
            "log_loss": reference.log_loss(target, scores, labels=names, sample_weight=weights),
            "roc_auc": reference.roc_auc_score(
                target,
                scores[:, 1] if classes == 2 else scores,
                multi_class="ovr",
                average="weighted",
                sample_weight=weights,
            ),
        }
        assert {name: measure(weights) for name, measure in found.items()} == pytest.approx(expected, abs=1e-12)


def test_regression_metrics_are_scikit_learns() -> None:
    """MAE, RMSE and R²."""
    target = RANDOM.random(100)
    values = target + RANDOM.normal(0, 0.1, 100)
    found = measures("regression", target, Prediction(values, None), np.empty(0))
    assert {name: measure(np.ones(100)) for name, measure in found.items()} == pytest.approx(
        {
            "mae": reference.mean_absolute_error(target, values),
            "rmse": reference.root_mean_squared_error(target, values),
            "r2": reference.r2_score(target, values),
        }
    )
    assert tuple(found) == METRICS["regression"]


def test_a_metric_without_probabilities_or_classes_is_not_invented() -> None:
    """No probabilities: no log loss. One class in the holdout: ROC AUC is null, not a number."""
    names = np.array(["a", "b"], dtype=object)
    labels = measures("classification", names, Prediction(names, None), names)
    assert set(labels) == {"accuracy", "balanced_accuracy", "f1_macro"}
    one = np.array(["a"] * 5, dtype=object)
    found = measures("classification", one, Prediction(one, np.tile([0.9, 0.1], (5, 1))), names)
    assert intervals(found, 5, Bootstrap(20, 0.9, 1))["roc_auc"] == {"value": None, "low": None, "high": None}


def test_intervals_hold_the_value_and_repeat() -> None:
    """Low ≤ value ≤ high, wider for more confidence, equal for an equal seed."""
    target = RANDOM.random(80)
    found = measures("regression", target, Prediction(target + RANDOM.normal(0, 0.1, 80), None), np.empty(0))
    narrow, wide = (intervals(found, 80, Bootstrap(400, confidence, 3)) for confidence in (0.5, 0.99))
    for name in found:
        assert (
            wide[name]["low"]
            < narrow[name]["low"]
            <= narrow[name]["value"]
            <= narrow[name]["high"]
            < wide[name]["high"]
        )
    assert intervals(found, 80, Bootstrap(400, 0.5, 3)) == narrow
