"""The absolute rules of the gate: what each metric must reach."""

from __future__ import annotations

from dataclasses import dataclass

from artifact.errors import ConfigurationError
from pipeline.params.metrics import names
from pipeline.params.section import Section, near


@dataclass(frozen=True)
class Threshold:
    """What one metric must reach: at least `min`, at most `max`, or both."""

    metric: str
    min: float | None
    max: float | None


def read_thresholds(section: Section, task: str) -> tuple[Threshold, ...]:
    """The rules under gate.thresholds; ConfigurationError (10) for an unknown metric, and where there is no rule."""
    thresholds = []
    for metric in section.mapping("thresholds"):
        if metric not in names(task):
            raise ConfigurationError(
                f"params.yaml: gate.thresholds.{metric} is no metric of a {task}{near(metric, names(task))}"
            )
        rule = Section(f"gate.thresholds.{metric}", section.mapping("thresholds")[metric], ("min", "max"))
        low, high = rule.number("min"), rule.number("max")
        if low is None and high is None:
            raise ConfigurationError(
                f"params.yaml: {rule.path} sets neither min nor max; a rule that passes everything is no rule"
            )
        thresholds.append(Threshold(metric, low, high))
    if not thresholds:
        raise ConfigurationError(
            "params.yaml: gate.thresholds is empty; a gate that is switched off is no gate: set one, "
            f"such as {names(task)[0]}: {{min: 0.9}}"
        )
    return tuple(thresholds)
