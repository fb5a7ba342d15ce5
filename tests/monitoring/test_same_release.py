"""A release compared with itself: days of recorded traffic in a real Prometheus, looked at every half hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from monitoring import analysis, live
from monitoring.analysis import Moment
from monitoring.canary import Action
from monitoring.prometheus import Grid, Prometheus
from monitoring.thresholds import Thresholds
from tests.monitoring.recording import Recording

BEGAN = 1_763_600_000.0
BEFORE, DURING, EVERY = 240, 12 * 60, 30  # minutes
DAYS = 20


@pytest.mark.story
def test_a_release_beside_itself_is_promoted_and_hardly_ever_taken_back(recorded: Callable[[str], str]) -> None:
    """Twenty half days at a request a second, every third with its errors in clumps of five: at most one goes back."""
    result = Recording(BEGAN - BEFORE * 60)
    for day in range(DAYS):
        for release, seed, share, first in (("stable", day, 0.9, 0), ("canary", 100 + day, 0.1, BEFORE)):
            scrapes = BEFORE + DURING - first
            clump = 5 if day % 3 == 0 else 1
            result.release(
                f"day-{day}", release, seed, scrapes=scrapes, per_scrape=60 * share, first=first, clump=clump
            )
    prometheus, thresholds = Prometheus(recorded(result.text())), Thresholds()
    ends: Counter[Action] = Counter()
    for day in range(DAYS):
        for minutes in range(EVERY, DURING + 1, EVERY):
            grid = Grid.until(BEGAN, BEGAN + minutes * 60, 60)
            counts = live.read(prometheus, thresholds, grid, namespace=f"day-{day}", canary="canary", stable="stable")
            seconds = minutes * 60.0
            decision = analysis.decide(
                analysis.examine(counts, thresholds), thresholds, Moment(10, 10, seconds, seconds)
            )
            if decision.action in (Action.PROMOTE, Action.ROLL_BACK):
                break
        ends[decision.action] += 1
    assert ends[Action.ROLL_BACK] <= 1
    assert ends[Action.PROMOTE] >= DAYS - 4
