"""The metrics are scikit-learn's, and their intervals hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from sklearn import metrics as reference

from artifact.prediction import Prediction
from pipeline.evaluation import bootstrap
from pipeline.evaluation.bootstrap import intervals
from pipeline.params import metrics
from pipeline.params.evaluate import Bootstrap
from pipeline.params.measures import Metric
from pipeline.params.metrics import measures

RANDOM = np.random.default_rng(5)
SETTINGS = Bootstrap(resamples=20, confidence=0.9, seed=1)


def of(target: np.ndarray, values: np.ndarray) -> Callable[[np.ndarray], Mapping[str, Metric]]:
    """The measures of a regression, of the rows asked for."""
    return lambda rows: measures("regression", target[rows], Prediction(values[rows], None), np.empty(0))


def calibration_error(target: np.ndarray, scores: np.ndarray, names: np.ndarray, weights: np.ndarray) -> float:
    """By its definition: over ten bins of confidence, the weighted mean of |how sure − how often right|."""
    sure, right = scores.max(axis=1), names[scores.argmax(axis=1)] == target
    total = 0.0
    for low in np.arange(10) / 10:
        inside = (sure >= low) & ((sure < low + 0.1) | ((low == 0.9) & (sure == 1)))
        if weights[inside].sum():
            gap = np.average(right[inside] - sure[inside], weights=weights[inside])
            total += weights[inside].sum() * abs(gap)
    return total / weights.sum()


def of_interest(target: np.ndarray, label: np.ndarray, weights: np.ndarray, kind: dict[str, str]) -> dict[str, float]:
    """Precision, recall and their means of the second of two classes, or of all."""
    options = {"sample_weight": weights, "zero_division": 0.0, **kind}
    return {
        "precision": reference.precision_score(target, label, **options),
        "recall": reference.recall_score(target, label, **options),
        **{
            name: reference.fbeta_score(target, label, beta=beta, **options)
            for name, beta in (("f1", 1), ("f2", 2), ("f05", 0.5))
        },
    }


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_classification_metrics_are_scikit_learns(classes: int) -> None:
    """Each of them, weighted as a resample weighs the rows, ties in the scores included."""
    names = np.array(list("abcdef"[:classes]), dtype=object)
    target = names[RANDOM.integers(0, classes, 300)]
    scores = RANDOM.random((300, classes)).round(1) + 0.01
    scores /= scores.sum(axis=1, keepdims=True)
    label = names[scores.argmax(axis=1)]
    result = measures("classification", target, Prediction(label, scores), names)
    assert tuple(result) == metrics.names("classification")
    for weights in (np.ones(300), np.bincount(RANDOM.integers(0, 300, 300), minlength=300).astype(float)):
        expected = {
            "accuracy": reference.accuracy_score(target, label, sample_weight=weights),
            "balanced_accuracy": reference.balanced_accuracy_score(target, label, sample_weight=weights),
            "f1_macro": reference.f1_score(target, label, average="macro", sample_weight=weights),
            **of_interest(target, label, weights, {"pos_label": "b"} if classes == 2 else {"average": "macro"}),
            "average_precision": np.mean(
                [
                    reference.average_precision_score(target == names[place], scores[:, place], sample_weight=weights)
                    for place in ([1] if classes == 2 else range(classes))
                ]
            ),
            "log_loss": reference.log_loss(target, scores, labels=names, sample_weight=weights),
            "roc_auc": reference.roc_auc_score(
                target,
                scores[:, 1] if classes == 2 else scores,
                multi_class="ovr",
                average="weighted",
                sample_weight=weights,
            ),
            "brier": reference.brier_score_loss(
                target,
                scores[:, 1] if classes == 2 else scores,
                sample_weight=weights,
                **({"pos_label": names[1]} if classes == 2 else {"labels": names}),
            ),
            "calibration_error": calibration_error(target, scores, names, weights),
        }
        assert {name: measure(weights) for name, measure in result.items()} == pytest.approx(expected, abs=1e-12)


def test_regression_metrics_are_scikit_learns() -> None:
    """MAE, RMSE and R²."""
    target = RANDOM.random(100)
    values = target + RANDOM.normal(0, 0.1, 100)
    result = measures("regression", target, Prediction(values, None), np.empty(0))
    assert {name: measure(np.ones(100)) for name, measure in result.items()} == pytest.approx(
        {
            "mae": reference.mean_absolute_error(target, values),
            "rmse": reference.root_mean_squared_error(target, values),
            "mape": reference.mean_absolute_percentage_error(target, values),
            "r2": reference.r2_score(target, values),
        }
    )
    assert {*result, "coverage", "interval_width"} == set(metrics.names("regression"))


def test_metrics_of_several_targets_are_scikit_learns() -> None:
    """Of several numbers each metric is the mean of theirs."""
    target = RANDOM.random((100, 3)) * [1, 10, 100] + 1
    values = target + RANDOM.normal(0, 0.1, (100, 3))
    weights = np.bincount(RANDOM.integers(0, 100, 100), minlength=100).astype(float)
    result = measures("regression", target, Prediction(values), np.empty(0))
    assert {name: measure(weights) for name, measure in result.items()} == pytest.approx(
        {
            "mae": reference.mean_absolute_error(target, values, sample_weight=weights),
            "rmse": reference.root_mean_squared_error(target, values, sample_weight=weights),
            "mape": reference.mean_absolute_percentage_error(target, values, sample_weight=weights),
            "r2": reference.r2_score(target, values, sample_weight=weights),
        }
    )


def test_metrics_of_labels_are_scikit_learns() -> None:
    """Of several labels each metric is the mean of theirs; a row is right where all of its labels are."""
    target = RANDOM.random((200, 3)) < [0.2, 0.5, 0.7]
    chances = np.clip(RANDOM.random((200, 3)) * 0.6 + 0.4 * target, 0.01, 0.99)
    labels, weights = chances > 0.5, RANDOM.random(200)
    result = measures("multilabel", target.astype(int), Prediction(labels, chances), np.empty(0))
    options = {"sample_weight": weights, "average": "macro", "zero_division": 0.0}
    assert {name: measure(weights) for name, measure in result.items()} == pytest.approx(
        {
            "accuracy": reference.accuracy_score(target, labels, sample_weight=weights),
            "f1_macro": reference.f1_score(target, labels, **options),
            **of_interest(target, labels, weights, {"average": "macro"}),
            "log_loss": np.mean(
                [reference.log_loss(target[:, place], chances[:, place], sample_weight=weights) for place in range(3)]
            ),
            "roc_auc": reference.roc_auc_score(target, chances, average="macro", sample_weight=weights),
            "average_precision": reference.average_precision_score(
                target, chances, average="macro", sample_weight=weights
            ),
            "brier": np.mean(
                [
                    reference.brier_score_loss(target[:, number], chances[:, number], sample_weight=weights)
                    for number in range(3)
                ]
            ),
        }
    )


def test_metrics_of_several_targets_of_classes_are_scikit_learns() -> None:
    """Each is the mean of those of the targets, as of one; only a row with all labels right is accurate."""
    reference = np.empty(2, dtype=object)
    reference[:] = [np.array(["a", "b", "c"], dtype=object), np.array(["s", "t"], dtype=object)]
    target = np.empty((150, 2), dtype=object)
    labels, chances = target.copy(), []
    for place, names in enumerate(reference):
        target[:, place] = RANDOM.choice(names, 150)
        raw = RANDOM.random((150, len(names))) + 0.7 * (target[:, [place]] == names)
        chances.append(raw / raw.sum(axis=1, keepdims=True))
        labels[:, place] = names[chances[-1].argmax(axis=1)]
    weights = RANDOM.random(150)
    result = measures("multioutput", target, Prediction(labels, np.concatenate(chances, axis=1)), reference)
    one_by_one = [
        measures("classification", target[:, place], Prediction(labels[:, place], chances[place]), names)
        for place, names in enumerate(reference)
    ]
    right = (target == labels).all(axis=1)
    assert result["accuracy"](weights) == pytest.approx(np.average(right, weights=weights))
    for name in set(result) - {"accuracy"}:
        assert result[name](weights) == pytest.approx(np.mean([measures[name](weights) for measures in one_by_one])), (
            name
        )
    assert {"log_loss", "f1_macro", "balanced_accuracy", "roc_auc", "recall"} <= set(result)


def test_a_class_that_the_model_does_not_know() -> None:
    """A held-out label that training never saw is a wrong answer with no probability, and no error."""
    reference = np.empty(2, dtype=object)
    reference[:] = [np.array(["a", "b"], dtype=object) for _ in range(2)]
    target = np.array([["a", "z"], ["b", "a"]], dtype=object)
    answers = Prediction(np.array([["a", "a"], ["b", "a"]], dtype=object), np.full((2, 4), 0.5))
    result = measures("multioutput", target, answers, reference)
    assert result["accuracy"](np.ones(2)) == 0.5
    assert result["log_loss"](np.ones(2)) > 5


def test_metrics_of_outliers_and_intervals() -> None:
    """Outliers are ranked by their score, found by their flag; an interval covers a share of the rows, and is wide."""
    target, score = RANDOM.random(200) < 0.2, RANDOM.random(200)
    flags = score > 0.7
    result = measures("outliers", target, Prediction(flags, None, {"score": score}), np.empty(0))
    ones = np.ones(200)
    assert result["average_precision"](ones) == pytest.approx(reference.average_precision_score(target, score))
    assert result["roc_auc"](ones) == pytest.approx(reference.roc_auc_score(target, score))
    assert result["recall"](ones) == pytest.approx(reference.recall_score(target, flags))
    ends = {"lower": np.zeros(4), "upper": np.array([1.0, 1.0, 1.0, 3.0])}
    answers = Prediction(np.full(4, 0.5), None, ends)
    result = measures("regression", np.array([0.5, 1.0, 2.0, 2.0]), answers, np.empty(0))
    assert (result["coverage"](np.ones(4)), result["interval_width"](np.ones(4))) == (0.75, 1.5)


def test_a_metric_without_probabilities_or_classes_is_not_invented() -> None:
    """No probabilities: no log loss. One class in the holdout: ROC AUC is null, not a number."""
    names = np.array(["a", "b"], dtype=object)
    labels = measures("classification", names, Prediction(names, None), names)
    assert set(labels) == {"accuracy", "balanced_accuracy", "f1_macro", "precision", "recall", "f1", "f2", "f05"}
    only_a = np.array(["a"] * 5, dtype=object)
    certain = Prediction(only_a, np.tile([0.9, 0.1], (5, 1)))
    undefined = intervals(lambda rows: measures("classification", only_a[rows], certain.take(rows), names), 5, SETTINGS)
    assert undefined["roc_auc"] == {"value": None, "low": None, "high": None}


def test_intervals_hold_the_value_and_repeat() -> None:
    """Low ≤ value ≤ high, wider for more confidence, equal for an equal seed."""
    target = RANDOM.random(80)
    result = of(target, target + RANDOM.normal(0, 0.1, 80))
    narrow, wide = (
        intervals(result, 80, Bootstrap(resamples=400, confidence=confidence, seed=3)) for confidence in (0.5, 0.99)
    )
    for name in narrow:
        assert (
            wide[name]["low"]
            < narrow[name]["low"]
            <= narrow[name]["value"]
            <= narrow[name]["high"]
            < wide[name]["high"]
        )
    assert intervals(result, 80, Bootstrap(resamples=400, confidence=0.5, seed=3)) == narrow


def test_the_interval_of_a_large_holdout_is_that_of_all_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of the rows tells the spread, scaled to all of them: as wide as without, around one value."""
    target = 1 + RANDOM.random(4000)
    result = of(target, target + RANDOM.normal(0, 0.1, 4000))
    whole = intervals(result, 4000, Bootstrap(resamples=600, confidence=0.9, seed=3))
    monkeypatch.setattr(bootstrap, "ROWS", 1000)
    sampled = intervals(result, 4000, Bootstrap(resamples=600, confidence=0.9, seed=3))
    for name, measure in whole.items():
        assert sampled[name]["value"] == measure["value"]
        assert sampled[name]["high"] - sampled[name]["low"] == pytest.approx(measure["high"] - measure["low"], rel=0.25)
