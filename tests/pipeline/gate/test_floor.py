"""Whatever the thresholds say, no model passes that guessing may be as good as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from artifact.errors import ConfigurationError
from artifact.prediction import Prediction
from pipeline.evaluation import bootstrap, guessing
from pipeline.gate.rules import floor
from pipeline.params import metrics
from pipeline.params.evaluate import Bootstrap
from pipeline.params.gate import Floor

SETTINGS = Bootstrap(resamples=200, confidence=0.95, seed=20)
CLASSES = np.array(["a", "b", "c", "d", "e"], dtype=object)


def imbalanced(signal: float) -> tuple[np.ndarray, np.ndarray]:
    """2,700 rows of five classes, one of which has 89 % of them; `signal` is what the features tell."""
    random = np.random.default_rng(5)
    codes = random.choice(5, 2700, p=[0.89, 0.05, 0.03, 0.02, 0.01])
    features = random.normal(size=(2700, 6))
    features[:, 0] += signal * (codes > 0)
    features[:, 1] += signal * (codes == 2)
    return features, CLASSES[codes]


def better_by(model: Any, features: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    """How much better than guessing the model is, trained on three quarters and judged on the rest."""
    cut = len(target) * 3 // 4
    fitted = model.fit(features[:cut], target[:cut])
    chances = fitted.predict_proba(features[cut:]) if hasattr(fitted, "predict_proba") else None
    answers = Prediction(fitted.predict(features[cut:]), chances)
    task = "regression" if target.dtype == np.float64 else "classification"
    if task == "regression":
        reference: Mapping[str, Any] = {
            "mean": {"train": target[:cut].mean()},
            "median": {"train": np.median(target[:cut])},
        }
    else:
        names, counts = np.unique(target[:cut], return_counts=True)
        reference = {"train": dict(zip(names.tolist(), counts.tolist(), strict=True))}
    classes = np.asarray(getattr(fitted, "classes_", []))
    guesses = guessing.predictions(task, reference, classes, len(target) - cut)

    def measures(rows: np.ndarray) -> Mapping[str, metrics.Metric]:
        def of(prediction: Prediction) -> Mapping[str, metrics.Metric]:
            return metrics.measures(task, target[cut:][rows], prediction.take(rows), classes)

        return guessing.compared(of(answers), {name: of(guess)[name] for name, guess in guesses.items()})

    return guessing.separated(bootstrap.intervals(measures, len(target) - cut, SETTINGS))[1]


def test_an_imbalanced_table_passes_only_where_its_features_tell() -> None:
    """By log loss: class weights that find the rare classes give worse probabilities than their shares, and fail."""
    plain, weighted = LogisticRegression(max_iter=1000), LogisticRegression(max_iter=1000, class_weight="balanced")
    for signal, model, passes in ((0.0, plain, False), (0.0, weighted, False), (1.5, plain, True)):
        rule = floor(Floor(), "classification", better_by(make_pipeline(StandardScaler(), model), *imbalanced(signal)))
        assert (rule.passed, rule.outcome) == (passes, "below-threshold"), (signal, rule.words)
    assert ("that may be chance" in rule.words) == (not passes)


def test_a_model_of_labels_alone_is_judged_by_the_classes_it_finds() -> None:
    """The most frequent class in every row is no better than guessing, however often it is right."""
    for signal, passes in ((0.0, False), (3.0, True)):
        features, target = imbalanced(signal)
        better = better_by(LinearSVC(class_weight="balanced", random_state=1), features, target)
        assert floor(Floor(), "classification", better).passed == passes
    with pytest.raises(ConfigurationError, match="gives no probabilities"):
        floor(Floor(metric="log_loss"), "classification", better)


def test_a_regression_is_better_than_its_mean_or_median() -> None:
    """By R² the mean is the guess, by the mean error the median."""
    random = np.random.default_rng(2)
    features = random.normal(size=(400, 3))
    for share, passes in ((0.0, False), (1.0, True)):
        better = better_by(LinearRegression(), features, share * features[:, 0] + random.normal(size=400))
        assert floor(Floor(), "regression", better).passed == passes
        assert floor(Floor(metric="mae"), "regression", better).passed == passes


def test_what_is_not_defined_shows_nothing() -> None:
    """A holdout of one value has no R²: nothing passes on it."""
    rule = floor(Floor(), "regression", {"r2": {"value": None, "low": None, "high": None}})
    assert not rule.passed
    assert "not defined" in rule.words
