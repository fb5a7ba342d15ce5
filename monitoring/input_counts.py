"""Live counts of one release by bin of the reference profile, a window at a time, from the predictor's own counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring import dispersion
from monitoring.confidence import Calibration, Estimate, estimate
from monitoring.drift_detector import Reference
from monitoring.increments import increments
from monitoring.prometheus import Grid, Prometheus, Series, growing, matcher

BINS = "modelpin_input_bin_total"
MISSING, OUTSIDE, UNSEEN = "missing", "out of range", "unseen"
_EVENTS = {
    MISSING: "modelpin_input_missing_total",
    OUTSIDE: "modelpin_input_out_of_range_total",
    UNSEEN: "modelpin_input_unseen_total",
}
PREDICTIONS = "modelpin_predictions_total"
CONFIDENCE = "modelpin_confidence_total"
_WEEK = 7 * 24 * 3600.0
_EARLIER, _EARLIER_STEPS = 600.0, 100  # seconds, or steps, that a window's grid is begun before it
PREDICTED = "(prediction)"  # stands for the answers among the features


@dataclass(frozen=True)
class Stream:
    """One bin of one feature, or an event that training never, or rarely, had."""

    feature: str
    bin: str

    def __str__(self) -> str:
        return f"{self.feature} {self.bin}"


@dataclass(frozen=True)
class Window:
    """Counts of a window that ended at `end`: `counts` of `rows` by stream, their dispersion, and live confidence."""

    end: float
    rows: float  # of the feature that was counted most
    counts: np.ndarray
    of: np.ndarray
    dispersions: np.ndarray
    confidence: Mapping[str, float]


@dataclass(frozen=True)
class Source:
    """Where the counters come from: the releases of one namespace, in one Prometheus."""

    prometheus: Prometheus
    namespace: str
    release: str

    def latest(self, metric: str, now: float) -> list[Series]:
        """A gauge that all pods show alike, in the week before `now`: there may have been no pod for a while."""
        grid = Grid(now - _WEEK, _WEEK / 60, 61)
        return self.prometheus.range(f"max without (instance, pod) ({growing(self.query(metric), grid.step)})", grid)

    def query(self, metric: str) -> str:
        """Its series."""
        return matcher(metric, namespace=self.namespace, release=self.release)

    def grown(self, metric: str, grid: Grid) -> list[tuple[Series, np.ndarray]]:
        """Each series with its growth in each interval of `grid`.

        The grid begins earlier than asked, so that a pod that a scrape missed does not count as new.
        """
        wide = grid.earlier(max(_EARLIER, _EARLIER_STEPS * grid.step))
        series = self.prometheus.counters(self.query(metric), wide)
        growth = increments(series, grid.step, 0.0)[:, wide.points - grid.points :]
        return list(zip(series, growth, strict=True))


@dataclass(frozen=True)
class Profile:
    """What training saw, as the predictor shows it: the streams with their reference, and calibrated confidence."""

    streams: tuple[Stream, ...]
    reference: Reference
    counts: np.ndarray  # of the reference, by stream
    calibration: Calibration | None
    confidences: tuple[str, ...]

    @classmethod
    def read(cls, source: Source, now: float) -> Profile | None:
        """Of the release; None where no gauge of a reference was scraped in the last week."""
        expected = _last(source.latest("modelpin_reference_input_bin", now), ("feature", "bin"))
        predicted = _last(source.latest("modelpin_reference_predictions", now), None)
        if not expected:
            return None
        rows = {feature: 0.0 for feature, _ in expected}
        for (feature, _), count in expected.items():
            rows[feature] += count
        trained = max(rows.values())  # of a feature that was never missing
        listed: list[tuple[Stream, float, float]] = [
            (Stream(feature, bin_), count, rows[feature]) for (feature, bin_), count in expected.items()
        ]
        answers = sum(predicted.values())
        listed += [(Stream(PREDICTED, bin_), count, answers) for (bin_,), count in predicted.items() if answers]
        for feature in rows:
            listed.append((Stream(feature, MISSING), trained - rows[feature], trained))
            listed += [(Stream(feature, event), 0.0, trained) for event in (OUTSIDE, UNSEEN)]
        used = [stream for stream in listed if stream[2] > 0]
        held_out = _last(source.latest("modelpin_reference_confidence", now), ("bin",))
        accuracy = _last(source.latest("modelpin_reference_accuracy", now), ("bin",))
        bins = sorted((key for key in held_out if key in accuracy), key=accuracy.__getitem__)
        per_bin = np.array([held_out[key] for key in bins])
        right = np.array([accuracy[key] for key in bins])
        return cls(
            tuple(stream for stream, *_ in used),
            Reference(np.array([count / of for _, count, of in used]), np.array([of for *_, of in used])),
            np.array([count for _, count, _ in used]),
            Calibration(per_bin, per_bin * right) if per_bin.sum() else None,
            tuple(bin_ for (bin_,) in bins),
        )

    def window(self, source: Source, grid: Grid) -> Window:
        """The counts in the intervals of `grid`."""
        live: dict[Stream, np.ndarray] = {}

        def add(stream: Stream, growth: np.ndarray) -> None:
            live[stream] = live.get(stream, np.zeros(grid.points - 1)) + growth

        for series, growth in source.grown(BINS, grid):
            add(Stream(series.labels["feature"], series.labels["bin"]), growth)
        for event, metric in _EVENTS.items():
            for series, growth in source.grown(metric, grid):
                add(Stream(series.labels["feature"], event), growth)
        for series, growth in source.grown(PREDICTIONS, grid):
            add(Stream(PREDICTED, _name(series.labels)), growth)
        sure: dict[str, float] = {}
        for series, growth in source.grown(CONFIDENCE, grid):
            sure[series.labels["bin"]] = sure.get(series.labels["bin"], 0.0) + float(growth.sum())
        return self.window_of(grid, live, sure)

    def window_of(self, grid: Grid, live: Mapping[Stream, np.ndarray], sure: Mapping[str, float]) -> Window:
        """A window, from the `live` counts of each interval of `grid`, [intervals], and the answers by confidence."""
        nothing = np.zeros(grid.points - 1)
        rows: dict[str, np.ndarray] = {}
        for stream, growth in live.items():
            if stream.bin not in (OUTSIDE, UNSEEN):  # these are in a bin too
                rows[stream.feature] = rows.get(stream.feature, nothing) + growth
        observed = [live.get(stream, nothing) for stream in self.streams]
        phis: dict[str, float] = {}
        for feature in {stream.feature for stream in self.streams}:
            counts = [row for stream, row in zip(self.streams, observed, strict=True) if stream.feature == feature]
            phis[feature] = dispersion.of_bins(np.stack(counts), rows.get(feature, nothing))
        of = np.array([rows.get(stream.feature, nothing).sum() for stream in self.streams])
        return Window(
            grid.end,
            max((float(each.sum()) for each in rows.values()), default=0.0),
            np.minimum(np.array([row.sum() for row in observed]), of),
            of,
            np.array([phis[stream.feature] for stream in self.streams]),
            dict(sure),
        )

    def accuracy(self, windows: Sequence[Window]) -> Estimate | None:
        """What confidence says of the accuracy in the last of `windows`; None without counts or without a reference."""
        if self.calibration is None or not windows:
            return None
        live = np.array([windows[-1].confidence.get(name, 0.0) for name in self.confidences])
        return estimate(self.calibration, live)


def _last(series: Sequence[Series], names: tuple[str, ...] | None) -> dict[tuple[str, ...], float]:
    """The last value of each series by the labels `names` (None: what was answered); the pods say the same."""
    values: dict[tuple[str, ...], float] = {}
    for item in series:
        finite = item.values[np.isfinite(item.values)]
        if len(finite):
            key = (_name(item.labels),) if names is None else tuple(item.labels[name] for name in names)
            values[key] = float(finite[-1])
    return values


def _name(labels: Mapping[str, str]) -> str:
    bin_ = labels.get("class", labels.get("bin", ""))
    return f"{labels['output']} {bin_}" if "output" in labels else bin_
