"""`monitoring drift` on series that a real Prometheus holds: rows, clumps, seasons, pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from artifact.errors import StorageError, UsageError
from monitoring import drift
from monitoring.drift import Source, watch
from monitoring.prometheus import Prometheus
from tests.monitoring.recording import Recording

BEGAN = 1_763_600_000.0
STEP, SCRAPES, WINDOW = 600.0, 432, 86400.0  # three days, a window a day
EVEN = np.full(5, 0.2)
MOVED = np.array([0.05, 0.15, 0.2, 0.25, 0.35])


@pytest.fixture(scope="module")
def url(recorded: Callable[[str], str]) -> str:
    """Three releases of two features: as in training, drifted in one feature, and in batches of one client."""
    result = Recording(BEGAN, STEP)
    for seed, (release, shares, clump) in enumerate((("still", EVEN, 1), ("moved", MOVED, 1), ("batches", EVEN, 20))):
        random = np.random.default_rng(seed)
        base = {"namespace": "iris-production", "release": release, "pod": release}
        for feature, live in (("x", EVEN), ("y", shares)):
            rows = clump * random.multinomial(40 // clump, live, size=SCRAPES)
            for place in range(5):
                named = {**base, "feature": feature, "bin": str(place)}
                result.counter("modelpin_input_bin_total", named, rows[:, place])
                result.counter("modelpin_reference_input_bin", named, np.zeros(SCRAPES), begins=1000)
            result.counter("modelpin_input_missing_total", {**base, "feature": feature}, np.zeros(SCRAPES))
        sure = random.multinomial(40, (0.3, 0.7), size=SCRAPES)
        for place, (name, held_out, accuracy) in enumerate((("low", 100, 0.6), ("high", 900, 0.95))):
            result.counter("modelpin_confidence_total", {**base, "bin": name}, sure[:, place])
            result.counter("modelpin_reference_confidence", {**base, "bin": name}, np.zeros(SCRAPES), begins=held_out)
            result.counter("modelpin_reference_accuracy", {**base, "bin": name}, np.zeros(SCRAPES), begins=accuracy)
    asleep(result)
    return recorded(result.text())


def asleep(result: Recording) -> None:
    """A release that scales to zero: in a week a pod every two hours, for two minutes, asked 30 times."""
    for number in range(84):
        base = {"namespace": "iris-production", "release": "asleep", "pod": f"asleep-{number}"}
        for place in range(5):
            named, first = {**base, "feature": "x", "bin": str(place)}, number * 12 + 0.3
            result.counter("modelpin_input_bin_total", named, [2.0, 1.0, 0.0, 2.0], first, begins=1, step=30)
            result.counter("modelpin_reference_input_bin", named, np.zeros(4), first, begins=1000, step=30)


def watch_release(url: str, release: str, days: float = 3, least: int = 2000) -> drift.Drift:
    source = Source(Prometheus(url), "iris-production", release)
    return watch(source, BEGAN, BEGAN + days * WINDOW, WINDOW, least)


def test_rows_as_in_training_raise_nothing_and_moved_ones_alarm_with_their_feature(url: str) -> None:
    """Three windows: no alarm without drift, in batches neither; the feature that moved leads its alarm."""
    still, moved, batches = (watch_release(url, release) for release in ("still", "moved", "batches"))
    assert [len(result.windows) for result in (still, moved, batches)] == [3, 3, 3]
    assert [result.alarms for result in (still, moved, batches)] == [False, True, False]
    assert moved.as_json()["features"] == ["y"]
    assert still.ranked()[-1][1] == "no change"
    assert moved.ranked()[0][:2] in [("y", "more 4"), ("y", "fewer 0")]
    assert batches.windows[0].dispersions.max() > 10 > 3 > still.windows[0].dispersions.max()


def test_every_row_is_counted_once(url: str) -> None:
    """Rows of a window are those of the most complete feature; what is after the last window waits."""
    still = watch_release(url, "still", days=2.5)
    assert [window.rows for window in still.windows] == [144 * 40] * 2
    assert still.windows[0].of.tolist() == [144 * 40] * len(still.profile.streams)


def test_rows_of_pods_that_come_and_go_are_all_counted(url: str) -> None:
    """A release that scales to zero between requests: no row is lost, though no look falls into the life of a pod."""
    source = Source(Prometheus(url), "iris-production", "asleep")
    result = watch(source, BEGAN, BEGAN + 7 * WINDOW, 7 * WINDOW)
    assert (len(result.windows), result.windows[0].rows, result.alarms) == (1, 84 * 30, False)


def test_a_window_with_few_rows_goes_on(url: str) -> None:
    """Where a day has fewer rows than needed, two days make a window."""
    assert [window.rows for window in watch_release(url, "still", days=3, least=6000).windows] == [2 * 144 * 40]
    assert watch_release(url, "still", days=3, least=6000).waiting == 144 * 40
    assert not watch_release(url, "still", days=0.5).windows


def test_confidence_estimates_the_accuracy_and_raises_nothing(url: str) -> None:
    """More uncertain answers than on held-out rows: a lower estimate beside the held-out one, and no alarm."""
    still = watch_release(url, "still")
    assert still.estimate is not None
    assert still.estimate.reference == pytest.approx(0.1 * 0.6 + 0.9 * 0.95)
    assert still.estimate.accuracy == pytest.approx(0.3 * 0.6 + 0.7 * 0.95, abs=0.01)


def test_the_command_prints_and_writes_a_page(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As text, as JSON, and as one page with each feature beside its reference."""
    monkeypatch.setattr(drift.time, "time", lambda: BEGAN + 3 * WINDOW)
    common = ["--prometheus", url, "--namespace", "iris-production", "--since", "2025-11-20T00:53:20Z"]
    drift.main([*common, "--release", "moved", "--window", "86400", "--page", str(tmp_path / "page.html")])
    assert capsys.readouterr().out.startswith("moved: drift; 3 windows")
    page = (tmp_path / "page.html").read_text()
    assert page.count("<rect") == 2 * 2 * (5 + 3)
    assert "PSI of the last window" in page
    drift.main([*common, "--release", "still", "--window", "86400", "--json"])
    assert json.loads(capsys.readouterr().out)["alarm"] is False
    with pytest.raises(UsageError, match="is not a time"):
        drift.main([*common[:4], "--since", "yesterday", "--release", "still"])


def test_a_release_that_is_not_scraped_is_said(url: str) -> None:
    """Without a reference nothing can be judged: exit code 30, with the query that found nothing."""
    with pytest.raises(StorageError, match="modelpin_reference_input_bin"):
        watch_release(url, "absent")
