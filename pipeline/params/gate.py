"""The rules of the gate that compare with the champion, read from the section gate of params.yaml: docs/gate.md."""

from __future__ import annotations

from dataclasses import dataclass

from artifact import digest
from artifact.errors import ConfigurationError
from pipeline.params.metrics import CATALOGUE, names
from pipeline.params.section import Section, near

_ON_A_SLICE = 5  # times the margin: a slice has fewer rows, and there are many of them


@dataclass(frozen=True)
class Bound:
    """A cost of the challenger: at most `ratio` times the champion's, unless within `slack` of it; and at most `most`.

    Milliseconds for a row, MiB for the artifact.
    """

    ratio: float
    slack: float
    most: float | None

    def holds(self, challenger: float, champion: float | None) -> bool:
        """Whether `challenger` costs no more than allowed, beside `champion` or (None) alone."""
        alone = self.most is None or challenger <= self.most
        return alone and (champion is None or challenger <= max(self.ratio * champion, champion + self.slack))


@dataclass(frozen=True)
class Rules:
    """How challenger and champion are compared. `metric` and the margins are None where the defaults hold.

    `rows`: the fewest held-out rows that a comparison rests on. `replaces`: the digest of a champion that may be
    replaced without a comparison.
    """

    metric: str | None
    margin: float | None
    slice_margin: float | None
    rows: int
    replaces: str | None
    latency: Bound
    size: Bound

    def compared(self, task: str, probabilities: bool) -> tuple[str, float, float]:
        """The metric, its margin, and that of a slice, for a model that has `probabilities` or not.

        Log loss where there are probabilities: it weighs every row's answer, and so sees with some hundred rows what
        accuracy sees with many thousands. R² for a regression: it orders models as RMSE does, and its margin needs no
        knowledge of the target's units.
        """
        metric = self.metric
        if metric is None:
            metric = "r2" if task == "regression" else "log_loss" if probabilities else "accuracy"
        if CATALOGUE[metric].needs_probabilities and not probabilities:
            raise ConfigurationError(
                f"params.yaml: gate.champion.metric is {metric!r}, and the model gives no probabilities; use accuracy"
            )
        margin = CATALOGUE[metric].margin if self.margin is None else self.margin
        assert margin is not None, f"{metric} is named with its margin"
        return metric, margin, _ON_A_SLICE * margin if self.slice_margin is None else self.slice_margin


def read_rules(gate: Section, task: str) -> Rules:
    """The sections champion, latency and size, all of them optional; ConfigurationError (10) for what does not fit."""
    section = Section(
        gate.where("champion"), gate.mapping("champion"), ("metric", "margin", "slice_margin", "rows", "replaces")
    )
    metric, replaces = section.optional_text("metric"), section.optional_text("replaces")
    known = names(task, compared=True)
    if metric is not None and metric not in known:
        raise ConfigurationError(f"params.yaml: {section.where('metric')} is {metric!r}{near(metric, known)}")
    margin = _positive(section, "margin")
    if metric is not None and CATALOGUE[metric].margin is None and margin is None:
        raise ConfigurationError(
            f"params.yaml: {section.where('margin')} is missing: {metric} is in the units of the target, say how much "
            "worse is still as good"
        )
    return Rules(
        metric,
        margin,
        _positive(section, "slice_margin"),
        30 if section.optional("rows") is None else section.integer("rows", 2, 1_000_000_000),
        None if replaces is None else digest.parse(replaces),
        _bound(gate, "latency", "ms"),
        _bound(gate, "size", "mib"),
    )


def _bound(gate: Section, name: str, unit: str) -> Bound:
    section = Section(gate.where(name), gate.mapping(name), ("ratio", f"slack_{unit}", f"max_{unit}"))
    ratio, slack = _positive(section, "ratio"), _positive(section, f"slack_{unit}")
    if ratio is not None and ratio < 1:
        raise section.wrong("ratio", ratio, "1 or more")
    return Bound(2.0 if ratio is None else ratio, 1.0 if slack is None else slack, _positive(section, f"max_{unit}"))


def _positive(section: Section, key: str) -> float | None:
    value = section.number(key)
    if value is not None and value < 0:
        raise section.wrong(key, value, "0 or more")
    return value
