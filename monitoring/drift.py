"""Say whether the inputs and predictions of a release have drifted from its reference, from Prometheus' counters alone.

No payload leaves a pod. Each window has whole weeks and at least 2,000 rows; 365 windows pass on average until an alarm
without drift. Exit code 0 also for an alarm: `--json` is for programs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from artifact.errors import StorageError, UsageError
from artifact.quantity import quantity
from monitoring import arguments, drift_detector
from monitoring.confidence import Estimate
from monitoring.domain_classifier import LEAST_AUC, Domain
from monitoring.drift_detector import ALARM, LEAST_ROWS
from monitoring.input_counts import Profile, Source, Window
from monitoring.page import Page
from monitoring.prometheus import Grid, Prometheus

WEEK = 7 * 24 * 3600.0
_SHARE = 0.2  # of the classifier's difference, from which a feature is named
_INTERVALS = 1000  # of a window: the clumps of rows show between them


@dataclass(frozen=True)
class Drift:
    """What the windows of a release come to: `log_m` of each stream after the last, their mean after each window."""

    labels: Mapping[str, str]  # whose: namespace and release, or digest
    profile: Profile
    windows: tuple[Window, ...]
    waiting: float  # rows of a window that is not over, or not full
    log_m: np.ndarray  # [streams, 2]: more, fewer
    overall: np.ndarray  # [windows]
    estimate: Estimate | None
    queries: tuple[str, ...] = ()
    so_far: Window | None = None  # what was counted before the first window is over
    domain: Domain | None = None  # of the last window, from a log
    costs: Mapping[str, float] = field(default_factory=dict)  # accuracy that each feature's shift explains, from a log

    @property
    def alarms(self) -> bool:
        """Whether the mean of all M ever reached the alarm, or a classifier tells the last window's rows."""
        return self._marginal or (self.domain is not None and self.domain.alarms)

    @property
    def _marginal(self) -> bool:
        return bool(len(self.overall) and self.overall.max() >= np.log(ALARM))

    @property
    def latest(self) -> Window | None:
        """The last window; before the first one is over, what was counted until now."""
        return self.windows[-1] if self.windows else self.so_far

    @property
    def estimated_loss(self) -> float | None:
        """Accuracy that is lost if confidence means what it meant: it ranks alarms, and raises none."""
        return None if self.estimate is None else self.estimate.reference - self.estimate.accuracy

    def leading(self) -> list[str]:
        """The features that lead an alarm: by the accuracy that their shift costs, where that is known."""
        if not self.alarms:
            return []
        led = [name for name, _, log_m in self.ranked() if log_m >= np.log10(ALARM)] if self._marginal else []
        if self.domain is not None and self.domain.alarms:
            by_share = sorted(self.domain.shares.items(), key=lambda pair: -pair[1])
            led += [name for name, share in by_share if share >= _SHARE and name not in led]
        return sorted(led, key=lambda name: -self.costs.get(name, 0.0))

    def ranked(self) -> list[tuple[str, str, float]]:
        """Feature, what of it, and log10 M of its strongest stream; the strongest feature first."""
        best: dict[str, tuple[str, float]] = {}
        for stream, values in zip(self.profile.streams, self.log_m / np.log(10), strict=True):
            place = int(values.argmax())
            change = f"{'more' if place == 0 else 'fewer'} {stream.bin}" if values[place] > 0 else "no change"
            if stream.feature not in best or values[place] > best[stream.feature][1]:
                best[stream.feature] = (change, float(values[place]))
        return sorted(((name, *each) for name, each in best.items()), key=lambda entry: -entry[2])

    def moved(self) -> list[tuple[str, float]]:
        """Feature and PSI of the latest rows, the largest first."""
        latest = self.latest
        if latest is None:
            return []
        listed = [
            (name, drift_detector.psi(self.profile.counts[places], latest.counts[places]))
            for name, places in self._places().items()
        ]
        return sorted(listed, key=lambda pair: -pair[1])

    def _places(self) -> dict[str, list[int]]:
        """Feature → the indices of its streams."""
        places: dict[str, list[int]] = {}
        for place, stream in enumerate(self.profile.streams):
            places.setdefault(stream.feature, []).append(place)
        return places

    def as_json(self) -> dict[str, Any]:
        """For programs; the features that lead an alarm are in `features`."""
        described: dict[str, Any] = {
            "kind": "drift",
            **self.labels,
            "alarm": self.alarms,
            "features": self.leading(),
            "windows": len(self.windows),
            "rows": sum(window.rows for window in self.windows),
            "waiting_rows": self.waiting,
            "log10_m": round(float(self.overall[-1]) / np.log(10), 3) if len(self.windows) else None,
            "alarm_at": round(float(np.log10(ALARM)), 3),
            "estimated_accuracy": None if self.estimate is None else round(self.estimate.accuracy, 4),
            "held_out_accuracy": None if self.estimate is None else round(self.estimate.reference, 4),
        }
        if self.domain is not None:
            shares = {name: round(share, 3) for name, share in self.domain.shares.items()}
            described["classifier"] = {"auc": round(self.domain.auc, 4), "lower": round(self.domain.lower, 4)}
            described["classifier"] |= {"alarm_above": LEAST_AUC, "shares": shares}
        return described

    def lines(self) -> list[str]:
        """For a terminal."""
        verdict = "drift" if self.alarms else "no drift" if len(self.windows) else "not enough rows yet"
        lines = [f"{self._name}: {verdict}; {quantity(len(self.windows), 'window')}, {self.waiting:,.0f} rows wait"]
        if len(self.windows):
            strength = self.overall[-1] / np.log(10)
            lines.append(f"  mean M 10^{strength:.1f}, alarm at 10^{np.log10(ALARM):.1f}; the strongest:")
            lines += [f"  {name}: {change}, M 10^{log_m:.1f}" for name, change, log_m in self.ranked()[:5]]
        elif self.so_far is not None and self.so_far.rows:
            moved = ", ".join(f"{name} {psi:.2f}" for name, psi in self.moved()[:3])
            lines.append(f"  until now, which decides nothing, the largest PSI: {moved}")
        if self.domain is not None:
            strongest = sorted(self.domain.shares.items(), key=lambda pair: -pair[1])[:3]
            named = ", ".join(f"{name} {share:.0%}" for name, share in strongest)
            lines.append(
                f"  a classifier tells the last window: AUC {self.domain.auc:.3f}, at least {self.domain.lower:.3f}, "
                f"alarm above {LEAST_AUC}; by {named}"
            )
        if self.estimate is not None:
            lines.append(
                f"  accuracy {self.estimate.accuracy:.3f} ± {2 * self.estimate.error:.3f} if confidence means what it "
                f"meant, {self.estimate.reference:.3f} on held-out rows; no alarm by itself"
            )
        costly = [name for name in self.leading() if name in self.costs]
        if costly:
            named = ", ".join(f"{name} {self.costs[name]:+.3f}" for name in costly[:5])
            lines.append(f"  look first, by the accuracy that the shift is estimated to cost: {named}")
        return lines

    @property
    def _name(self) -> str:
        return self.labels.get("release") or self.labels["digest"]

    def page(self) -> str:
        """One page: the verdict, M over time, and each feature beside its reference, the strongest first."""
        namespace = f" in {self.labels['namespace']}" if "namespace" in self.labels else ""
        page = Page(f"Drift of {self._name}{namespace}")
        page.text("; ".join(map(str.strip, self.lines()[:2])).removesuffix("; the strongest:"), "verdict")
        page.line("log10 of the mean M by window; the dashed line alarms", self.overall / np.log(10), np.log10(ALARM))
        if self.latest is not None and self.latest.rows:
            self._features(page, self.latest)
            self._calibration(page, self.latest)
        for text in self.lines()[2:] if self.domain is not None else ():
            page.text(text)
        if self.queries:
            page.heading("Queries")
            page.code(self.queries)
        return page.render()

    def _features(self, page: Page, latest: Window) -> None:
        period = "last window" if self.windows else "rows until now"
        page.heading(f"Features: grey is the reference, blue the {period}")
        psi = dict(self.moved())
        if self.windows:
            order = [name for name, *_ in self.ranked()]
            rows = [(name, change, f"10^{log_m:.1f}", f"{psi[name]:.3f}") for name, change, log_m in self.ranked()]
            page.table(("feature", "its strongest change", "M", "PSI of the last window"), rows)
        else:
            order = list(psi)
            page.text("No window is over yet: these rows are shown as they are, and decide nothing.")
            page.table(("feature", "PSI until now"), [(name, f"{psi[name]:.3f}") for name in order])
        places = self._places()
        for name in order[:20]:
            trained = self.profile.reference.shares[places[name]]
            live = latest.counts[places[name]] / np.maximum(latest.of[places[name]], 1)
            page.bars(name, [self.profile.streams[place].bin for place in places[name]], trained, live)

    def _calibration(self, page: Page, latest: Window) -> None:
        calibration = self.profile.calibration
        if calibration is None or self.estimate is None:
            return
        page.heading("Calibration: what its confidence promises")
        page.text(
            f"The accuracy of these answers is {self.estimate.accuracy:.3f} ± {2 * self.estimate.error:.3f} if "
            f"confidence means what it meant on held-out rows, where the accuracy was {self.estimate.reference:.3f}. "
            "Only labels that come back show whether it still does."
        )
        answers = sum(latest.confidence.values())
        rows = [
            (
                name,
                f"{per_bin / calibration.rows.sum():.1%}",
                f"{right / per_bin:.1%}" if per_bin else "–",
                f"{latest.confidence.get(name, 0.0) / answers:.1%}",
            )
            for name, per_bin, right in zip(self.profile.confidences, calibration.rows, calibration.right, strict=True)
        ]
        page.table(("probability of its label", "of held-out answers", "of these right", "of live answers"), rows)


def watch(source: Source, since: float, now: float, window: float = WEEK, least: int = LEAST_ROWS) -> Drift:
    """The drift of a release from `since` until `now`, seconds since 1970, in windows of `window` seconds.

    A window with fewer rows than `least` goes on for another `window`. Before the first is over, what was counted until
    now is kept beside: it decides nothing. StorageError (30) without a reference.
    """
    profile = Profile.read(source, now)
    if profile is None:
        raise StorageError(
            f"Prometheus has no {source.query('modelpin_reference_input_bin')} of the last week: is {source.release} "
            "scraped, with the labels namespace and release?"
        )
    queries = (source.query("modelpin_input_bin_total"), source.query("modelpin_predictions_total"))
    labels = {"namespace": source.namespace, "release": source.release}
    return follow(labels, profile, lambda grid: profile.window(source, grid), since, now, window, least, queries)


def follow(
    labels: Mapping[str, str],
    profile: Profile,
    count: Callable[[Grid], Window],
    since: float,
    now: float,
    window: float,
    least: int,
    queries: tuple[str, ...] = (),
) -> Drift:
    """The drift from `since` until `now`, where `count` gives the counts in the intervals of a grid. As `watch`."""
    windows: list[Window] = []
    overall: list[float] = []
    log_m = np.full((len(profile.streams), 2), -np.inf)
    start, waiting = since, 0.0
    for end in np.arange(since + window, now + 1e-6, window).tolist():
        latest = count(_grid(start, end))
        waiting = latest.rows
        if waiting < least:
            continue
        e = drift_detector.log_e(profile.reference, latest.counts, latest.of, latest.dispersions)
        log_m = drift_detector.follow(log_m, e)
        windows.append(latest)
        overall.append(float(drift_detector.overall(log_m)))
        start, waiting = end, 0.0
    so_far = None
    if not windows and (seconds := int(now - since)) > 0:
        so_far = count(_grid(since, since + seconds))
        waiting = so_far.rows
    estimate = profile.accuracy(windows or [counts for counts in (so_far,) if counts is not None])
    return Drift(labels, profile, tuple(windows), waiting, log_m, np.array(overall), estimate, queries, so_far)


def _grid(start: float, end: float) -> Grid:
    """From `start` to `end` in intervals of a second or more: nothing is scraped more often."""
    intervals = max(1, min(_INTERVALS, int(end - start)))
    return Grid(start, (end - start) / intervals, intervals + 1)


def main(argv: Sequence[str] | None = None) -> None:
    """As `watch`."""
    line = argparse.ArgumentParser(prog="python -m monitoring drift", description=__doc__)
    line.add_argument("--prometheus", required=True, metavar="URL")
    line.add_argument("--namespace", required=True, help="of the release, as iris-production")
    line.add_argument("--release", required=True, help="as iris-3f9c1a7e")
    line.add_argument("--since", required=True, metavar="TIME", help="when it began to serve, ISO 8601")
    arguments.add_windows(line, WEEK, LEAST_ROWS)
    options = line.parse_args(argv)
    try:
        since = datetime.fromisoformat(options.since)
    except ValueError as error:
        raise UsageError(f"--since {options.since!r} is not a time: give one as 2026-11-26T07:00:00Z") from error
    begun = (since if since.tzinfo else since.replace(tzinfo=UTC)).timestamp()
    source = Source(Prometheus(options.prometheus), options.namespace, options.release)
    drift = watch(source, begun, time.time(), options.window, options.least)
    if options.page:
        options.page.write_text(drift.page(), encoding="utf-8")
    print(json.dumps(drift.as_json(), indent=2) if options.json else "\n".join(drift.lines()))
