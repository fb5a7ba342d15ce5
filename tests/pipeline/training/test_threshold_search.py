"""The search for thresholds: one at a time, over a grid, from a half on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline.training import threshold_search


def test_each_threshold_comes_nearest_to_its_best_value() -> None:
    """Where each threshold counts by itself, one pass finds all; without one they stay at a half."""
    goals = (0.1, 0.8, 0.33)

    def score(thresholds: Sequence[float]) -> float:
        return -sum(abs(threshold - goal) for threshold, goal in zip(thresholds, goals, strict=True))

    assert threshold_search.best(3, 1, score).thresholds == pytest.approx((0.1, 0.8, 0.35))
    assert threshold_search.best(3, 0, score).thresholds == (0.5, 0.5, 0.5)


def test_a_later_pass_sees_the_others() -> None:
    """A threshold whose best value follows from a later one gets there in the second pass."""

    def score(thresholds: Sequence[float]) -> float:
        first, second = thresholds
        return -abs(first - second) - 2 * abs(second - 0.9)

    assert threshold_search.best(2, 1, score).thresholds == pytest.approx((0.5, 0.9))
    assert threshold_search.best(2, 2, score).thresholds == pytest.approx((0.9, 0.9))


def test_equal_scores_change_nothing() -> None:
    """A threshold stays where no other one is better."""
    assert threshold_search.best(2, 3, lambda thresholds: 0.0).thresholds == (0.5, 0.5)
