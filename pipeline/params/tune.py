"""The section train.tune of params.yaml: which parameters are searched, how, and what decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.params.metrics import CATALOGUE, names
from pipeline.params.section import Section

METHODS = ("none", "grid", "random", "halving", "bayesian")
KEYS = ("method", "metric", "trials", "folds", "seed", "factor", "n_jobs", "space")
_PARTS = ("estimator__", "preprocessing__")
_SEED = 2**32 - 1


@dataclass(frozen=True)
class Axis:
    """One searched parameter, named as scikit-learn's set_params names it in the Pipeline.

    Either `choices`, each as JSON text, or the numbers from `low` to `high`, `integer` or not, on a `log` scale or in
    multiples of `step` from `low`.
    """

    name: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    integer: bool = False
    log: bool = False
    step: float | None = None


@dataclass(frozen=True)
class Tune:
    """A search by one of METHODS: `trials` candidates (grid: all), each cross-validated in `folds` parts.

    Halving keeps one in `factor`. `n_jobs` workers change nothing but the time.
    """

    method: str
    metric: str
    trials: int
    folds: int
    seed: int
    factor: int
    n_jobs: int
    space: tuple[Axis, ...]

    @property
    def maximises(self) -> bool:
        """Whether more of the metric is better."""
        return CATALOGUE[self.metric].more_is_better


def read_tune(train: Section, task: str) -> Tune | None:
    """train.tune; None where it is not set or its method is none, ConfigurationError (10) where it does not fit."""
    if not train.mapping("tune"):
        return None
    section = train.section("tune", KEYS)
    method = section.choice("method", METHODS)
    if method == "none":
        return None
    space = tuple(_axis(section, name) for name in sorted(section.mapping("space")))
    if not space:
        raise section.wrong("space", {}, "at least one parameter, such as {estimator__C: [0.1, 1.0, 10.0]}")
    if method == "grid" and (numbers := [axis.name for axis in space if not axis.choices]):
        raise section.wrong(
            "space", numbers[0], "lists of values: a grid has a last one; use another method for ranges"
        )
    return Tune(
        method=method,
        metric=section.choice("metric", names(task, searched=True)),
        trials=0 if method == "grid" else section.integer("trials", 1, 100_000),
        folds=section.integer("folds", 2, 100),
        seed=section.integer("seed", 0, _SEED),
        factor=section.integer("factor", 2, 100) if method == "halving" else 0,
        n_jobs=section.integer("n_jobs", -1, 1024) if section.number("n_jobs") else 1,
        space=space,
    )


def _axis(section: Section, name: str) -> Axis:
    declared = section.mapping("space")[name]
    if not name.startswith(_PARTS):
        raise section.wrong("space", name, f"a parameter of the Pipeline, such as estimator__{name}")
    if isinstance(declared, list):
        choices = tuple(json.dumps(value, sort_keys=True, ensure_ascii=False) for value in declared)
        if not choices or len(set(choices)) != len(choices):
            raise section.wrong("space", declared, f"values that differ, at least one, for {name}")
        return Axis(name, choices)
    if not isinstance(declared, Mapping):
        raise section.wrong("space", declared, f"a list of values or {{low: …, high: …}} for {name}")
    numbers = Section(f"{section.where('space')}.{name}", declared, ("low", "high", "log", "step"))
    low, high, step = numbers.number("low"), numbers.number("high"), numbers.number("step")
    log = bool(declared.get("log", False))
    if low is None or high is None or low >= high:
        raise numbers.wrong("high", high, f"a low and a high above it (low is {low})")
    if log and (low <= 0 or step is not None):
        raise numbers.wrong("log", True, "a low above 0 and no step with it")
    if step is not None and step <= 0:
        raise numbers.wrong("step", step, "a number above 0")
    integer = all(type(declared.get(key, 0)) is int for key in ("low", "high", "step"))
    return Axis(name, (), low, high, integer, log, step)


def grid(space: tuple[Axis, ...]) -> list[dict[str, Any]]:
    """Every combination of the choices, the last parameter changing fastest."""
    found: list[dict[str, Any]] = [{}]
    for axis in space:
        found = [one | {axis.name: choice} for one in found for choice in axis.choices]
    return found
