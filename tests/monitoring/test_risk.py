"""Losses of labels that came back, and the accuracy that confidence promises without labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring import confidence, risk
from monitoring.confidence import Calibration


@given(st.floats(0.01, 0.9), st.integers(1, 200), st.integers(0, 10_000))
def test_bets_on_losses_at_the_bound_are_fair(bound: float, labels: int, seed: int) -> None:
    """M is the sum of the products since each start, computed without overflow."""
    losses = np.random.default_rng(seed).random(labels)
    slow, expected = np.zeros(4), []
    for loss in losses:
        slow = (1 + slow) * (1 + np.array([0.1, 0.25, 0.5, 0.75]) / bound * (loss - bound))
        expected.append(float(np.log(slow.mean())))
    assert risk.log_m(losses, bound) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_risk_within_its_bound_raises_nothing_and_a_greater_one_is_found() -> None:
    """10,000 labels at the held-out error stay below the alarm; at three times it they alarm within 500."""
    random = np.random.default_rng(5)
    bound = risk.upper_bound(0.05, 2000, binary=True) + 0.01
    quiet = risk.log_m(random.random(10_000) < 0.05, bound)
    late = np.concatenate([random.random(2000) < 0.05, random.random(500) < 0.2])
    assert quiet.max() < np.log(risk.ALARM)
    assert risk.log_m(late, bound).max() >= np.log(risk.ALARM)
    assert risk.log_m(late, bound)[:2000].max() < np.log(risk.ALARM)


def test_upper_bounds_cover_and_shrink_with_rows() -> None:
    """Over the mean, below 1, nearer with more rows; bounded losses get the wider one."""
    few, many = (risk.upper_bound(0.1, rows, binary=True) for rows in (100, 10_000))
    assert 0.1 < many < few < 0.25
    assert many < risk.upper_bound(0.1, 10_000, binary=False) < 0.12
    assert risk.upper_bound(1.0, 10, binary=True) == 1
    assert 0 < risk.upper_bound(0.0, 100, binary=False) < 0.06
    with pytest.raises(ValueError, match="between 0 and 1"):
        risk.log_m(np.zeros(1), 0.0)


def test_the_estimate_is_exact_where_confidence_means_what_it_meant() -> None:
    """Live answers that moved to less certain bins lower the estimate; the held-out ones give their own accuracy."""
    calibration = Calibration(np.array([100, 200, 0, 700]), np.array([55, 150, 0, 693]))
    same = confidence.estimate(calibration, calibration.rows * 10)
    moved = confidence.estimate(calibration, np.array([1000, 0, 0, 0]))
    assert same is not None
    assert moved is not None
    assert same.accuracy == pytest.approx(898 / 1000)
    assert same.accuracy == pytest.approx(same.reference)
    assert moved.accuracy == pytest.approx(0.55)
    assert moved.error == pytest.approx(np.sqrt(0.55 * 0.45 / 100))
    assert confidence.estimate(calibration, np.zeros(4)) is None


def test_accuracy_never_falls_with_confidence() -> None:
    """Bins out of order are pooled, and a bin without rows lies between its neighbours."""
    calibration = Calibration(np.array([10, 10, 0, 10]), np.array([8, 6, 0, 10]))
    assert calibration.accuracies == pytest.approx([0.7, 0.7, 0.85, 1.0])
    with pytest.raises(ValueError, match="no rows"):
        _ = Calibration(np.zeros(2), np.zeros(2)).accuracies
