"""Metrics by data.weight: a row that counts twice is two rows; an interval needs an estimator that has quantiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import Ridge

from artifact.engines.quantile_interval import QuantileInterval
from artifact.prediction import Prediction
from pipeline.evaluation.weighing import weighed
from pipeline.gate.comparison import Answers, compare
from pipeline.params.metrics import measures
from tests.pipeline.params.test_params import read

RANDOM = np.random.default_rng(2)
TARGET = RANDOM.choice(np.array(["no", "yes"], dtype=object), 40)
CHANCES = np.column_stack([uniform := RANDOM.random(40), 1 - uniform])
CLASSES = np.array(["no", "yes"], dtype=object)


def answers(chances: np.ndarray) -> Prediction:
    return Prediction(CLASSES[chances.argmax(axis=1)], chances)


def test_a_weight_of_two_is_two_rows() -> None:
    """Every metric of weighed rows is that of rows repeated so often, and a row of weight 0 is none."""
    weights = RANDOM.integers(0, 3, 40)
    repeated = np.repeat(np.arange(40), weights)
    by_weight = weighed(
        lambda rows: measures("classification", TARGET[rows], answers(CHANCES[rows]), CLASSES), weights.astype(float)
    )(np.arange(40))
    by_rows = measures("classification", TARGET[repeated], answers(CHANCES[repeated]), CLASSES)
    ones = np.ones(len(repeated))
    assert {name: measure(np.ones(40)) for name, measure in by_weight.items()} == pytest.approx(
        {name: measure(ones) for name, measure in by_rows.items()}
    )


def test_the_comparison_counts_by_weight(tmp_path: Path) -> None:
    """Where only rows that count for nothing differ, champion and challenger are alike."""
    weights = np.r_[np.zeros(20), np.ones(20)]
    other = np.r_[CHANCES[:20, ::-1], CHANCES[20:]]
    holdout = {"a": RANDOM.normal(size=40)}
    both = Answers(answers(CHANCES), answers(other), CLASSES)
    params = read(tmp_path)
    alike, different = (
        compare(params, holdout, TARGET, both, row_weights)["differences"] for row_weights in (weights, None)
    )
    assert alike["log_loss"]["value"] == 0
    assert different["log_loss"]["value"] != 0


def test_an_interval_is_between_quantiles() -> None:
    """Each answer has a low and a high end in this order; an estimator without quantiles is refused by its name."""
    features = RANDOM.normal(size=(200, 2))
    target = features[:, 0] + RANDOM.normal(size=200)
    boosted = GradientBoostingRegressor(n_estimators=20, random_state=1)
    answered = QuantileInterval(boosted, (0.1, 0.9)).fit(features, target).predict(features)
    assert (answered[:, 1] <= answered[:, 2]).all()
    assert 0.7 < np.mean((answered[:, 1] <= target) & (target <= answered[:, 2])) < 0.95
    with pytest.raises(ValueError, match="Ridge predicts no quantile"):
        QuantileInterval(Ridge()).fit(features, target)
