"""The section evaluate of params.yaml: the bootstrap, slices of the holdout, and expectations of behaviour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from artifact.errors import ConfigurationError
from artifact.signature import Feature, Value, label_text
from pipeline.params.declared_metrics import DeclaredMetric
from pipeline.params.messages import near, wrong
from pipeline.params.section import OneOf, Section, Seed, Share

KINDS = ("invariant", "increasing", "decreasing")
EACH = "each"
_NUMERIC = ("float64", "int64")
_CUT = {
    "description": f"ascending edges of a column of numbers; categories of another one, or {EACH}",
    "anyOf": [{"type": "array", "minItems": 1}, {"const": EACH}],
}


class Bootstrap(Section):
    """Resamples of the held-out rows, for intervals of `confidence`."""

    resamples: int = Field(ge=10, le=100_000)
    confidence: Share
    seed: Seed


@dataclass(frozen=True)
class Cut:
    """A column that the holdout is cut by: at `edges`, or into `categories` (empty: each that occurs)."""

    column: str
    edges: tuple[float, ...]
    categories: tuple[Value, ...]


class Slices(Section):
    """The declared cuts by column; whether others are looked for; the fewest rows that a slice is judged by."""

    by: dict[str, Annotated[Any, WithJsonSchema(_CUT)]] = Field(default={})
    found: bool = True
    rows: int = Field(default=30, ge=5, le=1_000_000)

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """The declared cuts in their order."""
        return tuple(_cut(column, value) for column, value in self.by.items())


def _class(value: Any) -> Any:
    return label_text(value) if isinstance(value, str | int | float) else value


class Check(Section):
    """What a change of one column must do to the prediction, on all but the share `tolerated` of the held-out rows.

    `invariant`: another value leaves the label as it is and moves no probability, or a regression, by more than
    `epsilon` (None: labels alone are compared). `increasing` and `decreasing`: adding `by` does not lower, or raise,
    the prediction (of a classification: the probability of the class `output`) by more than `epsilon`.
    """

    kind: Annotated[str, OneOf(KINDS)] = Field(alias="check")
    column: str
    by: float | None = None
    output: Annotated[str, BeforeValidator(_class)] | None = None
    epsilon: float | None = Field(default=None, ge=0)
    tolerated: Annotated[float, Field(ge=0, lt=1, description="a share of rows from 0 to below 1", examples=[0.01])] = (
        0.0
    )


class Evaluate(Section):
    """Intervals, metrics beside those of the catalogue by their names, slices, and the list of expected behaviour."""

    bootstrap: Bootstrap
    metrics: dict[str, DeclaredMetric] = Field(default={})
    slices: Slices = Slices()
    behaviour: Annotated[
        tuple[Check, ...],
        Field(strict=False, description="a list of checks", examples=["[{check: invariant, column: gender}]"]),
    ] = ()


def check_evaluate(evaluate: Evaluate, features: Sequence[Feature], targets: Sequence[Feature], task: str) -> None:
    """ConfigurationError (10) where slices or behaviour do not fit the columns."""
    for column, value in evaluate.slices.by.items():
        _check_cut(f"evaluate.slices.by.{column}", _column("evaluate.slices.by", column, (*features, *targets)), value)
    for index, expected in enumerate(evaluate.behaviour):
        _check_behaviour(f"evaluate.behaviour[{index}]", expected, features, targets, task)


def _cut(column: str, value: Any) -> Cut:
    if value == EACH:
        return Cut(column, (), ())
    if all(type(item) in (int, float) for item in value):
        return Cut(column, tuple(float(edge) for edge in value), ())
    return Cut(column, (), tuple(value))


def _check_cut(path: str, feature: Feature, value: Any) -> None:
    if value == EACH and feature.dtype != "float64":
        return
    if not isinstance(value, list) or not value:
        raise wrong(path, value, f"a list of edges for numbers, of categories for text, or {EACH}")
    if feature.dtype in _NUMERIC:
        numbers = all(type(edge) in (int, float) and math.isfinite(edge) for edge in value)
        if not numbers or sorted(set(value)) != value:
            raise wrong(path, value, "edges that ascend, as [10, 20]")
    elif any(type(item) is not (bool if feature.dtype == "bool" else str) for item in value):
        raise wrong(path, value, f"values of dtype {feature.dtype}")


def _check_behaviour(
    path: str, check: Check, features: Sequence[Feature], targets: Sequence[Feature], task: str
) -> None:
    feature = _column(path, check.column, features)
    numeric, directed = feature.dtype in _NUMERIC, check.kind != "invariant"
    if directed and not numeric:
        raise wrong(f"{path}.column", feature.name, f"a column of numbers: {feature.dtype} has no direction")
    if numeric and (check.by is None or check.by <= 0):
        raise wrong(f"{path}.by", check.by, "a number above 0: how far the column is moved")
    if not numeric and check.by is not None:
        raise wrong(f"{path}.by", check.by, f"nothing: a column of {feature.dtype} is set to its other values")
    if directed and (task == "classification" or len(targets) > 1):
        classes = [label_text(value) for value in targets[0].categories or ()]
        classes = classes if len(targets) == 1 else [target.name for target in targets]
        if check.output is None or (classes and check.output not in classes):
            expected = f"the class, or the target, that is meant{near(str(check.output), classes)}"
            raise wrong(f"{path}.output", check.output, expected)
    elif check.output is not None:
        raise wrong(
            f"{path}.output",
            check.output,
            "nothing: it names one of several, for a direction",
        )


def _column(path: str, name: str, columns: Sequence[Feature]) -> Feature:
    for feature in columns:
        if feature.name == name:
            return feature
    raise ConfigurationError(
        f"params.yaml: {path} names {name!r}, which schema does not declare{near(name, [f.name for f in columns])}"
    )
