"""The drift detector: its guarantee, clumped rows, and how soon a drift is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring import dispersion, drift_detector
from monitoring.drift_detector import ALARM, Reference

BINS, TRAINED, ROWS = 10, 4000, 2000
EQUAL = np.full(BINS, 0.1)


@given(st.integers(1, 150), st.floats(0.0, 1.0), st.integers(20, 100_000), st.floats(0.0, 1.0))
def test_the_mean_is_at_most_one_within_the_bounds(n: int, share: float, trained: int, place: float) -> None:
    """Whatever the live share between r⁻ and r⁺, each e has at most mean 1."""
    reference = Reference(np.array([share]), np.array([trained]))
    low, high = (float(bound[0]) for bound in reference.bounds)
    truth = min(max(low + (high - low) * place, 1e-12), 1 - 1e-12)
    x = np.arange(n + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log(np.arange(n, 0, -1)) - np.log(np.arange(1, n + 1)))])
    chance = np.exp(log_choose + x * np.log(truth) + (n - x) * np.log1p(-truth))
    e = np.exp(drift_detector.log_e(reference, x[:, None], np.full((n + 1, 1), n), 1.0))[:, 0, :]
    assert (chance @ e <= 1 + 1e-6).all()


def windows(shares: np.ndarray, count: int, clump: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """log of the mean M after each window, and log M of the last: `count` windows of ROWS rows in clumps."""
    random = np.random.default_rng(seed)
    reference = Reference(random.multinomial(TRAINED, EQUAL) / TRAINED, np.full(BINS, TRAINED))
    log_m, means = np.full((BINS, 2), -np.inf), []
    for _ in range(count):
        scrapes = clump * random.multinomial(ROWS // 100 // clump, shares, size=100).T
        phi = dispersion.of_bins(scrapes, np.full(100, ROWS // 100))
        log_m = drift_detector.follow(
            log_m, drift_detector.log_e(reference, scrapes.sum(axis=1), np.full(BINS, ROWS), phi)
        )
        means.append(float(drift_detector.overall(log_m)))
    return np.array(means), log_m


@pytest.mark.parametrize("clump", [1, 20])
def test_stationary_rows_raise_nothing_even_in_clumps(clump: int) -> None:
    """300 windows as in training, in clumps of one client's batch too, stay below the alarm."""
    means, _ = windows(EQUAL, 300, clump, seed=3)
    assert means.max() < np.log(ALARM)


def test_a_shift_is_found_within_some_windows_and_named_by_its_bin() -> None:
    """PSI 0.25 in one feature alarms within 5 windows of 2,000 rows, and the bin that grew leads."""
    shifted = np.array([0.24, 0.06, *EQUAL[2:]])
    shifted /= shifted.sum()
    means, log_m = windows(shifted, 5, 1, seed=4)
    assert means[-1] >= np.log(ALARM)
    assert np.unravel_index(int(log_m.argmax()), log_m.shape) == (0, 0)


def test_what_reference_never_had_is_a_stream_too() -> None:
    """A share of 0 in the reference has a bound above it: a few such rows pass, many alarm."""
    reference = Reference(np.zeros(1), np.full(1, TRAINED))
    some = drift_detector.log_e(reference, np.array([1]), np.array([ROWS]), 1.0)
    many = drift_detector.log_e(reference, np.array([100]), np.array([ROWS]), 1.0)
    assert some[0, 0] < np.log(ALARM) < many[0, 0]
    assert many[0, 1] == -np.inf  # nothing can be fewer than none


def test_psi_is_the_usual_one() -> None:
    """Nothing for equal shares, the textbook's sum otherwise; an empty bin is finite."""
    assert drift_detector.psi(np.array([50, 50]), np.array([500, 500])) == 0
    assert drift_detector.psi(np.array([50, 50]), np.array([60, 40])) == pytest.approx(0.0405, abs=1e-3)
    assert np.isfinite(drift_detector.psi(np.array([50, 0]), np.array([10, 10])))
