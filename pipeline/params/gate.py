"""The section gate of params.yaml: what each metric must reach, and how the champion is compared: docs/gate.md."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from artifact import digest
from artifact.errors import ConfigurationError
from pipeline.params.messages import near
from pipeline.params.metrics import CATALOGUE, METRIC_SCHEMA, Catalogue, MetricName, default, names
from pipeline.params.section import Section

_ON_A_SLICE = 5  # times the margin: a slice has fewer rows, and there are many of them
_Margin = Annotated[float, Field(ge=0)]


class Threshold(Section):
    """What one metric must reach: at least `min`, at most `max`, or both."""

    min: float | None = None
    max: float | None = None


class Bound(Section):
    """A cost of the challenger: at most `ratio` times the champion's, unless within `slack` of it; and at most `most`.

    Milliseconds for a row, MiB for the artifact.
    """

    ratio: float = Field(default=2.0, ge=1)
    slack: _Margin = 1.0
    most: _Margin | None = None

    def holds(self, challenger: float, champion: float | None) -> bool:
        """Whether `challenger` costs no more than allowed, beside `champion` or (None) alone."""
        alone = self.most is None or challenger <= self.most
        return alone and (champion is None or challenger <= max(self.ratio * champion, champion + self.slack))


class Latency(Bound):
    """The bound of the latency of one row, in milliseconds."""

    slack: _Margin = Field(default=1.0, alias="slack_ms")
    most: _Margin | None = Field(default=None, alias="max_ms")


class Size(Bound):
    """The bound of the size of the artifact, in MiB."""

    slack: _Margin = Field(default=1.0, alias="slack_mib")
    most: _Margin | None = Field(default=None, alias="max_mib")


class Champion(Section):
    """How challenger and champion are compared. `metric` and the margins are None where the defaults hold.

    `rows`: the fewest held-out rows that a comparison rests on. `replaces`: the digest of a champion that may be
    replaced without a comparison.
    """

    metric: MetricName | None = None
    margin: _Margin | None = None
    slice_margin: _Margin | None = None
    rows: int = Field(default=30, ge=2, le=1_000_000_000)
    replaces: Annotated[str, AfterValidator(digest.parse)] | None = None

    def compared(self, task: str, probabilities: bool, catalogue: Catalogue = CATALOGUE) -> tuple[str, float, float]:
        """The metric, its margin, and that of a slice, for a model that has `probabilities` or not."""
        metric = self.metric or default(task, probabilities)
        if catalogue[metric].needs_probabilities and not probabilities:
            raise ConfigurationError(
                f"params.yaml: gate.champion.metric is {metric!r}, and the model gives no probabilities; use accuracy"
            )
        margin = catalogue[metric].margin if self.margin is None else self.margin
        assert margin is not None, f"{metric} is named with its margin"
        return metric, margin, _ON_A_SLICE * margin if self.slice_margin is None else self.slice_margin


class Floor(Section):
    """The metric by which every model has to be better than guessing; None where the default of the task holds."""

    metric: MetricName | None = None

    def metric_name(self, task: str, probabilities: bool) -> str:
        """The metric for a model that has `probabilities` or not.

        By default a proper score; of labels alone the mean share of each class that is found, which no guess raises.
        """
        if self.metric is not None:
            return self.metric
        if probabilities or task in ("regression", "outliers"):
            return default(task, True)
        return "f1_macro" if task in ("multilabel", "multioutput") else "balanced_accuracy"


class Gate(Section):
    """The thresholds by metric, the floor, and the three comparisons with the champion."""

    thresholds: dict[str, Threshold] = Field(default={}, json_schema_extra={"propertyNames": METRIC_SCHEMA})
    floor: Floor = Floor()
    champion: Champion = Champion()
    latency: Latency = Latency()
    size: Size = Size()


def check_gate(gate: Gate, task: str, catalogue: Catalogue) -> None:
    """ConfigurationError (10) for a metric that is none of `task`, a margin that is missing, and no threshold."""
    for metric, threshold in gate.thresholds.items():
        if metric not in names(task, catalogue):
            raise ConfigurationError(
                f"params.yaml: gate.thresholds.{metric} is no metric of a {task}{near(metric, names(task, catalogue))}"
            )
        if threshold.min is None and threshold.max is None:
            raise ConfigurationError(
                f"params.yaml: gate.thresholds.{metric} sets neither min nor max; "
                "a rule that passes everything is no rule"
            )
    if not gate.thresholds:
        raise ConfigurationError(
            "params.yaml: gate.thresholds is empty; a gate that is switched off is no gate: set one, "
            f"such as {names(task)[0]}: {{min: 0.9}}"
        )
    # What the best guess is by a metric of evaluate.metrics, nobody knows.
    guess_metrics, metrics = names(task, compared=True), names(task, catalogue, compared=True)
    comparing = gate.champion.metric
    if gate.floor.metric is not None and gate.floor.metric not in guess_metrics:
        raise ConfigurationError(
            f"params.yaml: gate.floor.metric is {gate.floor.metric!r}{near(gate.floor.metric, guess_metrics)}"
        )
    if comparing is None:
        return
    if comparing not in metrics:
        raise ConfigurationError(f"params.yaml: gate.champion.metric is {comparing!r}{near(comparing, metrics)}")
    entry = catalogue[comparing]
    if entry.margin is None and gate.champion.margin is None:
        units = "the target" if entry.loss_in_its_units else "its function"
        raise ConfigurationError(
            f"params.yaml: gate.champion.margin is missing: {comparing} is in the units of {units}, say how much "
            "worse is still as good"
        )
    if not entry.loss_in_its_units and gate.champion.slice_margin is None:
        raise ConfigurationError(
            f"params.yaml: gate.champion.slice_margin is missing: slices are judged by {entry.loss.name}, not by "
            f"{comparing}; say how much worse is still as good on a slice"
        )
