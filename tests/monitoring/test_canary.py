"""What a canary's counts prove, in seeded streams: the error rates that are promised, and the power beside them."""

import numpy as np
import pytest

from monitoring import canary, dispersion
from monitoring.canary import Action
from monitoring.comparison import Counts

RUNS, INTERVALS = 250, 300


def stream(canary_rate: float, stable_rate: float, *, share: float = 0.1, clump: int = 1, seed: int = 0) -> Counts:
    """RUNS canaries of INTERVALS minutes at one request a second; errors come in clumps of `clump`."""
    random = np.random.default_rng(seed)
    shape = (RUNS, INTERVALS)
    n, others = random.poisson(60 * share, shape), random.poisson(60 * (1 - share), shape)
    x = np.minimum(n, clump * random.binomial(n, canary_rate / clump))
    y = np.minimum(others, clump * random.binomial(others, stable_rate / clump))
    return Counts(x, n, x + y, n + others)


def ever(log_e: np.ndarray, threshold: float) -> float:
    """Share of the runs in which E reaches the threshold."""
    return float((log_e.max(axis=-1) >= np.log(threshold)).mean())


def test_a_good_canary_is_rarely_taken_back_and_a_bad_one_always() -> None:
    """1 % against 1 % crosses in at most 3 % of canaries, however often one looks; 5 % against 1 % always does."""
    assert ever(canary.worse(stream(0.01, 0.01)), canary.HARM["errors"]) <= 0.03
    assert ever(canary.worse(stream(0.05, 0.01)), canary.HARM["errors"]) == 1


def test_a_bad_canary_is_not_promoted_and_a_good_one_is() -> None:
    """A canary at the limit and at the ratio is promoted in at most 1 %; one without a fault ends, errors or none."""
    bad, good, silent = stream(0.03, 0.01), stream(0.01, 0.01), stream(0.0, 0.0)
    assert ever(canary.not_worse(bad, 0.03, 3.0), canary.PROMOTE) <= 0.01
    assert ever(canary.not_worse(good, 0.03, 3.0), canary.PROMOTE) >= 0.9
    assert ever(canary.not_worse(silent, 0.03, 3.0), canary.PROMOTE) == 1


def test_clumped_errors_take_a_good_canary_back_only_without_their_dispersion() -> None:
    """Errors in clumps of five break a test per request; divided by their dispersion it keeps its promise."""
    counts, before = stream(0.01, 0.01, clump=5), stream(0.01, 0.01, clump=5, seed=1)
    phi = dispersion.factor(before.events - before.canary_events, before.requests - before.canary)
    assert ever(canary.worse(counts), canary.HARM["errors"]) > 0.1
    assert ever(canary.worse(counts, dispersion=phi), canary.HARM["errors"]) <= 0.03
    assert ever(canary.worse(stream(0.05, 0.01, clump=5), dispersion=phi), canary.HARM["errors"]) >= 0.95


def test_the_dispersion_of_independent_requests_is_about_one_whatever_the_time_of_day() -> None:
    """Traffic that changes by the hour is no clump; clumps of five have a factor of about five."""
    random = np.random.default_rng(2)
    traffic = random.poisson(60 * (1 + np.sin(np.arange(1440) / 229)), (100, 1440))
    single = dispersion.factor(random.binomial(traffic, 0.01), traffic)
    clumped = dispersion.factor(np.minimum(traffic, 5 * random.binomial(traffic, 0.002)), traffic)
    assert np.median(single) < 1.1
    assert np.median(clumped) == pytest.approx(5, rel=0.15)
    assert dispersion.factor(np.zeros((3, 0)), np.zeros((3, 0))).tolist() == [1, 1, 1]


def test_latency_tolerates_a_quarter_and_finds_a_double() -> None:
    """A tail of 10 % that becomes 12 % is left alone, one that becomes 30 % is found."""
    edges = {tail: [stream(tail, 0.1)] for tail in (0.12, 0.3)}
    assert ever(canary.slower(edges[0.12], 1.25, [1.0]), canary.HARM["latency"]) <= 0.01
    assert ever(canary.slower(edges[0.3], 1.25, [1.0]), canary.HARM["latency"]) == 1


def test_classes_that_shift_are_told_from_classes_that_vanish() -> None:
    """The same shares raise nothing; others are different; a class that the canary never predicts has vanished."""
    same, shifted = [stream(0.3, 0.3), stream(0.7, 0.7)], [stream(0.45, 0.3), stream(0.55, 0.7)]
    gone = [stream(0.0, 0.3), stream(1.0, 0.7)]
    ones = [1.0, 1.0]
    assert ever(canary.different(same, ones), canary.DIFFERENT) <= 0.01
    assert ever(canary.different(shifted, ones), canary.DIFFERENT) == 1
    assert ever(canary.vanished(shifted, ones), canary.HARM["vanished"]) <= 0.01
    assert ever(canary.vanished(gone, ones), canary.HARM["vanished"]) == 1


def test_a_release_with_all_traffic_is_held_to_the_limit() -> None:
    """Baking: a rate of half the limit raises nothing, twice the limit is found."""
    for rate, at_least, at_most in ((0.015, 0.0, 0.03), (0.06, 1.0, 1.0)):
        counts = stream(rate, rate, share=0.9)
        result = ever(canary.over_limit(counts.canary_events, counts.canary, 0.03), canary.HARM["errors"])
        assert at_least <= result <= at_most


def test_missing_data_holds_even_past_the_deadline_and_harm_comes_first() -> None:
    """The order: proved harm, missing data, promotion, a step, the deadline; otherwise it waits."""
    yes, no = np.array([True]), np.array([False])
    cases = [
        ((yes, yes, yes, yes, yes), Action.ROLL_BACK),
        ((no, yes, yes, yes, yes), Action.HOLD),
        ((no, no, yes, yes, yes), Action.PROMOTE),
        ((no, no, no, yes, yes), Action.ADVANCE),
        ((no, no, no, no, yes), Action.ROLL_BACK),
        ((no, no, no, no, no), Action.WAIT),
    ]
    for (harm, missing, fine, enough, late), action in cases:
        assert canary.choose(harm=harm, missing=missing, fine=fine, enough=enough, late=late).tolist() == [action]
