"""The sections train.decision and train.calibration of params.yaml: how a label follows from the probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from artifact.errors import ConfigurationError
from artifact.signature import Feature, label_text
from pipeline.params.messages import near, wrong
from pipeline.params.metrics import Catalogue, MetricName, names
from pipeline.params.section import OneOf, Section, Seed, Share

_Folds = Annotated[int, Field(ge=2, le=100)]
CALIBRATIONS = ("sigmoid", "isotonic", "temperature")


class Calibration(Section):
    """Probabilities corrected on answers to rows of `folds` that each model was not trained on.

    (https://scikit-learn.org/stable/modules/calibration.html)
    """

    method: Annotated[str, OneOf(CALIBRATIONS)]
    folds: _Folds = 5


class Interval(Section):
    """The quantiles between which a regression says that the answer lies: [low, high] of the estimator fitted anew."""

    low: Share = 0.05
    high: Share = 0.95


class Decide(Section):
    """One of three: `thresholds` by class, or by target of multilabel; `costs` by true class and answered class, of
    which those that are not named are 0; or thresholds that are tuned by `metric` on `folds` of the training rows.
    """

    thresholds: dict[str, Annotated[float, Field(gt=0, lt=1)]] | None = None
    costs: dict[str, dict[str, float]] | None = None
    metric: MetricName | None = None
    folds: _Folds = 5
    seed: Seed = 0


def check_interval(interval: Interval | None, targets: int, task: str) -> None:
    """ConfigurationError (10) for an interval of what has none, or whose ends are in the wrong order."""
    if interval is None:
        return
    if task != "regression" or targets != 1:
        raise wrong("train.interval", task, "nothing: only a regression of one target has an interval")
    if interval.low >= interval.high:
        raise wrong("train.interval.high", interval.high, f"more than low, which is {interval.low}")


def check_calibration(calibration: Calibration | None, task: str) -> None:
    """ConfigurationError (10) for a calibration of what has no classes."""
    if calibration is not None and task != "classification":
        raise wrong("train.calibration", task, f"nothing: a {task} has no probabilities of classes")


def check_decision(decide: Decide | None, targets: Sequence[Feature], task: str, catalogue: Catalogue) -> None:
    """ConfigurationError (10) where the section fits neither the task nor the classes, or labels, that the schema
    declares."""
    if decide is None:
        return
    if task not in ("classification", "multilabel") or (task == "multilabel" and decide.costs is not None):
        raise wrong("train.decision", task, f"nothing: a {task} has no probabilities of classes")
    methods = [name for name in ("thresholds", "costs", "metric") if getattr(decide, name) is not None]
    if len(methods) != 1:
        raise wrong("train.decision", methods, "one of thresholds, costs and metric")
    metrics = names(task, catalogue)
    if decide.metric is not None and (decide.metric not in metrics or catalogue[decide.metric].needs_probabilities):
        labels = [name for name in metrics if not catalogue[name].needs_probabilities]
        raise ConfigurationError(
            f"params.yaml: train.decision.metric is {decide.metric!r}, which no threshold changes"
            f"{near(decide.metric, labels)}; use one of {', '.join(labels)}"
        )
    classes = [label_text(value) for value in targets[0].categories or ()]
    if task == "multilabel":
        classes = [target.name for target in targets]
    named = {
        *(decide.thresholds or ()),
        *(decide.costs or ()),
        *(cost for row in (decide.costs or {}).values() for cost in row),
    }
    for name in sorted(named if classes else ()):
        if name not in classes:
            raise ConfigurationError(
                f"params.yaml: train.decision names {name!r}, which is no class of the target, and no target of "
                f"several{near(name, classes)}"
            )
