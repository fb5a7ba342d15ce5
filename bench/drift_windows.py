"""`python -m bench.drift_windows`: seeded windows of live rows, watched by monitoring.drift_detector and by PSI.

How many alarms there are without drift (independent rows, rows in one client's batches of 20, a season within the
week), and after how many windows a drift of a given PSI in one feature is found.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from monitoring import dispersion, drift_detector
from monitoring.drift_detector import ALARM, Reference

BINS, TRAINED, SCRAPES = 10, 20_000, 50
_EVEN = np.full(BINS, 1 / BINS)
_WEEKEND = np.array([1.8, *[(BINS - 1.8) / (BINS - 1)] * (BINS - 1)]) / BINS  # one bin at 1.8 times its share


def shifted(psi: float) -> np.ndarray:
    """Shares of the deciles of a normal feature whose mean has moved so far that they are `psi` away from even ones."""
    edges = norm.ppf(np.arange(1, BINS) / BINS)

    def shares(move: float) -> np.ndarray:
        return np.diff(norm.cdf(edges - move), prepend=0.0, append=1.0)

    def excess(move: float) -> float:
        return float(np.sum((shares(move) - _EVEN) * np.log(shares(move) / _EVEN))) - psi

    return shares(brentq(excess, 0.0, 3.0))


def windows(
    features: int,
    rows: int,
    count: int,
    seed: int,
    *,
    clump: int = 1,
    days: int = 7,
    season: bool = False,
    psi: float = 0.0,
) -> Iterator[tuple[float, int]]:
    """After each window: log of the mean M, and how many features have a PSI over 0.1.

    A window is of `days` days; with a `season` two days in seven have other shares. `psi` of the first feature.
    """
    random = np.random.default_rng(seed)
    trained = random.multinomial(TRAINED, _EVEN, size=features)
    reference = Reference((trained / TRAINED).ravel(), np.full(features * BINS, TRAINED))
    log_m = np.full((features * BINS, 2), -np.inf)
    each = rows // SCRAPES // clump
    for number in range(count):
        shares = np.tile(_EVEN, (features, SCRAPES, 1))
        if season:
            day = (number * days + np.arange(SCRAPES) * days // SCRAPES) % 7
            mean = (5 * _EVEN + 2 * _WEEKEND) / 7
            shares[:, :] = np.where((day >= 5)[:, None], _WEEKEND, _EVEN) / mean / BINS
            shares /= shares.sum(axis=-1, keepdims=True)
        if psi:
            shares[0] = shifted(psi)
        scrapes = clump * random.multinomial(each, shares).transpose(0, 2, 1)
        counts = scrapes.sum(axis=-1)
        phi = np.repeat([dispersion.of_bins(scrape, np.full(SCRAPES, each * clump)) for scrape in scrapes], BINS)
        factors = drift_detector.log_e(reference, counts.ravel(), np.full(features * BINS, each * clump * SCRAPES), phi)
        log_m = drift_detector.follow(log_m, factors)
        over = sum(drift_detector.psi(trained[feature], counts[feature]) > 0.1 for feature in range(features))
        overall = float(drift_detector.overall(log_m))
        if overall >= np.log(ALARM):
            log_m = np.full_like(log_m, -np.inf)  # it begins again after an alarm
        yield overall, over


def quiet(features: int, count: int, seeds: int, **kind: int | bool) -> tuple[int, int]:
    """Alarms of the detector, and of "PSI over 0.1 in any feature", without drift, in seeds × count windows."""
    alarms = old = 0
    for seed in range(seeds):
        for log_m, over in windows(features, 2000, count, seed, **kind):  # type: ignore[arg-type]
            alarms += log_m >= np.log(ALARM)
            old += over > 0
    return alarms, old


def delays(features: int, rows: int, psi: float, seeds: int, most: int = 60) -> list[int]:
    """Windows until the alarm, of each seed; `most` for none."""
    numbers = []
    for seed in range(seeds):
        logs = (log_m for log_m, _ in windows(features, rows, most, seed, psi=psi))
        numbers.append(next((number for number, log_m in enumerate(logs, 1) if log_m >= np.log(ALARM)), most))
    return numbers


def main() -> None:
    """Print both tables; some minutes."""
    line = argparse.ArgumentParser(prog="python -m bench.drift_windows", description=main.__doc__)
    line.add_argument("--count", type=int, default=400, help="windows of a series (%(default)s)")
    line.add_argument("--seeds", type=int, default=5, help="series of each kind (%(default)s)")
    options = line.parse_args()
    print("| rows without drift, windows of 2,000 | features | windows | alarms | PSI over 0.1 in any feature |")
    print("|---|---|---|---|---|")
    for features in (20, 200):
        for title, kind in (
            ("independent", {}),
            ("in batches of 20 of one client", {"clump": 20}),
            ("a season within the week, windows of a week", {"season": True}),
            ("the same, windows of a day", {"season": True, "days": 1}),
        ):
            alarms, old = quiet(features, options.count, options.seeds, **kind)
            every = options.count * options.seeds
            print(f"| {title} | {features} | {every:,} | {alarms} | {old} ({100 * old / every:.0f} %) |", flush=True)
    print("\n| PSI of one feature | features | rows a window | windows until the alarm, 50 / 90 % |\n|---|---|---|---|")
    for psi in (0.1, 0.25, 0.5):
        for features in (20, 200):
            for rows in (500, 2000):
                spans = np.quantile(delays(features, rows, psi, 4 * options.seeds), (0.5, 0.9))
                print(f"| {psi:g} | {features} | {rows:,} | {spans[0]:.0f} / {spans[1]:.0f} |", flush=True)


if __name__ == "__main__":
    main()
