"""The test that compares the events of a canary with the stable release's: its guarantee, on every table."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring import comparison, rate
from monitoring.comparison import Counts

ODDS = (0.25, 0.75, 1.0, 1.5, 3.0, 10.0)


@st.composite
def margins(draw: st.DrawFn) -> tuple[int, int, int]:
    """Requests of both releases, of the canary, and events."""
    total = draw(st.integers(2, 120))
    return total, draw(st.integers(1, total - 1)), draw(st.integers(1, total - 1))


def chances(table: tuple[int, int, int], odds: float) -> tuple[np.ndarray, np.ndarray]:
    """Events that the canary may have, and the chance of each, by whole numbers."""
    total, n, m = table
    x = np.arange(max(0, m - (total - n)), min(n, m) + 1)
    logs = np.array([math.log(math.comb(n, k) * math.comb(total - n, m - k)) for k in x.tolist()]) + x * np.log(odds)
    weights = np.exp(logs - logs.max())
    return x, weights / weights.sum()


def expected(table: tuple[int, int, int], truth: float, tolerated: float) -> np.ndarray:
    """Mean of e for each of ODDS against `tolerated`, where the odds are `truth` times the stable release's."""
    total, n, m = table
    x, chance = chances(table, truth)
    ones = np.ones_like(x)
    factors = comparison.log_factors(Counts(x, n * ones, m * ones, total * ones), ODDS, tolerated)
    return np.asarray(chance @ np.exp(factors))


@given(margins(), st.sampled_from([1.0, 1.25, 3.0]))
def test_the_mean_is_one_at_the_odds_that_are_tolerated(table: tuple[int, int, int], tolerated: float) -> None:
    """Every factor has mean 1 where the odds are exactly what is tolerated: nothing is gained by looking."""
    assert expected(table, tolerated, tolerated) == pytest.approx(np.ones(len(ODDS)), rel=1e-6)


@given(margins(), st.sampled_from([1.0, 1.25, 3.0]), st.floats(0.05, 1.0))
def test_the_mean_is_at_most_one_on_the_tolerated_side(
    table: tuple[int, int, int], tolerated: float, fraction: float
) -> None:
    """A test for more has at most mean 1 at smaller odds, a test for fewer at greater ones."""
    better, worse = expected(table, tolerated * fraction, tolerated), expected(table, tolerated / fraction, tolerated)
    odds = np.array(ODDS)
    assert (better[odds > tolerated] <= 1 + 1e-6).all()
    assert (worse[odds < tolerated] <= 1 + 1e-6).all()


@given(margins())
def test_hoeffdings_bound_is_never_below(table: tuple[int, int, int]) -> None:
    """Against equal odds the sum gives at least the evidence of the bound in the literature."""
    total, n, m = (np.array([values]) for values in table)
    bound = m[0] * np.log1p(n[0] / total[0] * (np.array(ODDS) - 1))
    assert (comparison.log_normalisers(n, m, total, ODDS)[0] <= bound + 1e-9).all()


@given(margins())
def test_a_vanished_event_is_the_limit_of_small_odds(table: tuple[int, int, int]) -> None:
    """The evidence that a canary has no such event is that of odds near 0, and its mean is 1 too."""
    total, n, m = table
    x, chance = chances(table, 1.0)
    ones = np.ones_like(x)
    counts = Counts(x, n * ones, m * ones, total * ones)
    evidence = comparison.log_vanished(counts)
    assert (evidence[x > 0] == -np.inf).all()
    if x[0] == 0:
        assert float(chance @ np.exp(evidence)) == pytest.approx(1)
        assert evidence[0] == pytest.approx(comparison.log_factors(counts, [1e-12])[0, 0], abs=1e-4)


def test_intervals_that_compare_nothing_say_nothing() -> None:
    """No events, only events, or requests on one side alone leave the evidence as it is."""
    table = np.array([[0, 5, 0, 10], [5, 5, 10, 10], [0, 0, 3, 10], [3, 10, 3, 10], [0, 0, 0, 0]]).T
    assert not comparison.log_factors(Counts(*table), ODDS).any()


@given(st.integers(1, 200), st.floats(0.005, 0.5), st.floats(0.0, 1.0))
def test_a_rate_against_a_limit_has_at_most_mean_one(n: int, limit: float, fraction: float) -> None:
    """Lower rates are bet on at most in vain where the rate is the limit or more, higher ones where it is less."""
    x = np.arange(n + 1)
    log_choose = np.array([np.sum(np.log(np.arange(n - k + 1, n + 1)) - np.log(np.arange(1, k + 1))) for k in x])
    for truth, rates in (
        (limit + (0.99 - limit) * fraction, [limit / 20, limit / 2]),
        (limit * fraction, [min(0.95, limit * 1.5), min(0.95, limit * 1.9)]),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = log_choose + np.where(x > 0, x * np.log(truth), 0) + (n - x) * np.log1p(-truth)
        factors = rate.log_factors(x, np.full_like(x, n), rates, limit)
        assert (np.exp(logs[:, None] + factors).sum(axis=0) <= 1 + 1e-6).all()
