"""The section train.tune of params.yaml: which parameters are searched, how, and which metric decides."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from artifact.errors import ConfigurationError
from pipeline.params.messages import near, wrong
from pipeline.params.metrics import Catalogue, MetricName, names
from pipeline.params.section import OneOf, Section, Seed, read

METHODS = ("none", "grid", "random", "halving", "bayesian")
_NEEDED = ("metric", "folds", "seed")
_PARTS = ("estimator__", "preprocessing__")
_SPACE = "train.tune.space"


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


class Range(Section):
    """Numbers from `low` to `high`, whole ones if all of the three are; `log`: drawn on a logarithmic scale."""

    low: float
    high: float
    log: bool = False
    step: float | None = Field(default=None, gt=0)


class Tune(Section):
    """A search by one of METHODS: `trials` candidates (grid: all), each cross-validated in `folds` parts.

    Halving keeps one in `factor`. `n_jobs` workers change nothing but the time. `space` has a list of values, or a
    Range, for each parameter.
    """

    method: Annotated[str, OneOf(METHODS)]
    metric: MetricName = ""
    trials: int = Field(default=0, ge=1, le=100_000)
    folds: int = Field(default=0, ge=2, le=100)
    seed: Seed = 0
    factor: int = Field(default=0, ge=2, le=100)
    n_jobs: Annotated[int, Field(ge=-1, le=1024), AfterValidator(lambda number: number or 1)] = 1
    space: dict[str, Any] = Field(default={})

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The searched parameters by name; ConfigurationError (10) for one that cannot be searched."""
        return tuple(_axis(name, self.space[name]) for name in sorted(self.space))

    def check(self, task: str, catalogue: Catalogue) -> None:
        """ConfigurationError (10) where the search lacks what its method needs, or its metric is none of `task`."""
        if not self.axes:
            raise wrong(_SPACE, {}, "at least one parameter, such as {estimator__C: [0.1, 1.0, 10.0]}")
        ranges = [axis.name for axis in self.axes if not axis.choices]
        if self.method == "grid" and ranges:
            raise wrong(_SPACE, ranges[0], "lists of values: a grid has a last one; use another method for ranges")
        more = {"grid": (), "halving": ("trials", "factor")}.get(self.method, ("trials",))
        for key in (*_NEEDED, *more):
            if key not in self.model_fields_set:
                raise ConfigurationError(f"params.yaml: train.tune.{key} is missing; it has no default, set it")

        metrics = names(task, catalogue, searched=True)
        if self.metric not in metrics:
            raise ConfigurationError(f"params.yaml: train.tune.metric is {self.metric!r}{near(self.metric, metrics)}")

    def grid(self) -> list[dict[str, Any]]:
        """Every combination of the choices, the last parameter changing fastest."""
        labels = [axis.name for axis in self.axes]
        return [
            dict(zip(labels, chosen, strict=True))
            for chosen in itertools.product(*(axis.choices for axis in self.axes))
        ]


def _axis(name: str, declared: Any) -> Axis:
    if not name.startswith(_PARTS):
        raise wrong(_SPACE, name, f"a parameter of the Pipeline, such as estimator__{name}")
    if isinstance(declared, list):
        choices = tuple(json.dumps(value, sort_keys=True, ensure_ascii=False) for value in declared)
        if not choices or len(set(choices)) != len(choices):
            raise wrong(_SPACE, declared, f"values that differ, at least one, for {name}")
        return Axis(name, choices)
    if not isinstance(declared, Mapping):
        raise wrong(_SPACE, declared, f"a list of values or {{low: …, high: …}} for {name}")
    path = f"{_SPACE}.{name}"
    numbers = read(Range, declared, path)
    if numbers.low >= numbers.high:
        raise wrong(f"{path}.high", numbers.high, f"a low and a high above it (low is {numbers.low})")
    if numbers.log and (numbers.low <= 0 or numbers.step is not None):
        raise wrong(f"{path}.log", True, "a low above 0 and no step with it")
    integer = all(type(declared.get(key) or 0) is int for key in ("low", "high", "step"))
    return Axis(name, (), numbers.low, numbers.high, integer, numbers.log, numbers.step)
