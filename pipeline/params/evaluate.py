"""The section evaluate of params.yaml beyond the bootstrap: slices of the holdout, and expectations of behaviour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artifact.errors import ConfigurationError
from artifact.signature import Feature, Value, label_text
from pipeline.params.section import Section, near

KINDS = ("invariant", "increasing", "decreasing")
EACH = "each"
_NUMERIC = ("float64", "int64")
_CHECK = ("check", "column", "by", "output", "epsilon", "tolerated")


@dataclass(frozen=True)
class Cut:
    """A column that the holdout is cut by: at `edges`, or into `categories` (empty: each that occurs)."""

    column: str
    edges: tuple[float, ...]
    categories: tuple[Value, ...]


@dataclass(frozen=True)
class Slices:
    """The declared cuts; whether others are looked for; the fewest rows that a slice is judged by."""

    by: tuple[Cut, ...]
    found: bool
    rows: int


@dataclass(frozen=True)
class Check:
    """What a change of one column must do to the prediction, on all but the share `tolerated` of the held-out rows.

    `invariant`: another value leaves the label as it is and moves no probability, or a regression, by more than
    `epsilon` (None: labels alone are compared). `increasing` and `decreasing`: adding `by` does not lower, or raise,
    the prediction (of a classification: the probability of the class `output`) by more than `epsilon`.
    """

    kind: str
    column: str
    by: float | None
    output: str | None
    epsilon: float | None
    tolerated: float


def read_slices(evaluate: Section, columns: Sequence[Feature]) -> Slices:
    """The section evaluate.slices, all of it optional; ConfigurationError (10) names what does not fit."""
    section = Section(evaluate.where("slices"), evaluate.mapping("slices"), ("by", "found", "rows"))
    by = section.mapping("by")
    return Slices(
        tuple(_cut(section.where("by"), name, value, columns) for name, value in by.items()),
        section.flag("found", True),
        30 if section.optional("rows") is None else section.integer("rows", 5, 1_000_000),
    )


def _cut(where: str, name: str, value: Any, columns: Sequence[Feature]) -> Cut:
    feature = _column(where, name, columns)
    if value == EACH and feature.dtype != "float64":
        return Cut(name, (), ())
    if not isinstance(value, list) or not value:
        raise ConfigurationError(
            f"params.yaml: {where}.{name} is {value!r}, expected a list of edges for numbers, "
            f"of categories for text, or {EACH}"
        )
    if feature.dtype in _NUMERIC:
        if (
            any(type(edge) not in (int, float) or not math.isfinite(edge) for edge in value)
            or sorted(set(value)) != value
        ):
            raise ConfigurationError(
                f"params.yaml: {where}.{name} is {value!r}, expected edges that ascend, as [10, 20]"
            )
        return Cut(name, tuple(float(edge) for edge in value), ())
    kind = bool if feature.dtype == "bool" else str
    if any(type(item) is not kind for item in value):
        raise ConfigurationError(f"params.yaml: {where}.{name} is {value!r}, expected values of dtype {feature.dtype}")
    return Cut(name, (), tuple(value))


def read_behaviour(evaluate: Section, features: Sequence[Feature], target: Feature, task: str) -> tuple[Check, ...]:
    """The list evaluate.behaviour; ConfigurationError (10) names what does not fit."""
    where = evaluate.where("behaviour")
    listed = evaluate.optional("behaviour")
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise ConfigurationError(f"params.yaml: {where} is {listed!r}, expected a list of checks")
    return tuple(_check(f"{where}[{place}]", entry, features, target, task) for place, entry in enumerate(listed))


def _check(where: str, entry: Mapping[str, Any], features: Sequence[Feature], target: Feature, task: str) -> Check:
    section = Section(where, entry, _CHECK)
    kind = section.choice("check", KINDS)
    feature = _column(where, section.text("column"), features)
    numeric, directed = feature.dtype in _NUMERIC, kind != "invariant"
    by, output = section.number("by"), section.optional("output")
    if directed and not numeric:
        raise section.wrong("column", feature.name, f"a column of numbers: {feature.dtype} has no direction")
    if numeric and (by is None or by <= 0):
        raise section.wrong("by", by, "a number above 0: how far the column is moved")
    if not numeric and by is not None:
        raise section.wrong("by", by, f"nothing: a column of {feature.dtype} is set to its other values")
    if directed and task == "classification":
        classes = [label_text(value) for value in target.categories or ()]
        if output is None or (classes and label_text(output) not in classes):
            raise section.wrong("output", output, f"the class whose probability is meant{near(str(output), classes)}")
    elif output is not None:
        raise section.wrong("output", output, "nothing: it names a class, for a direction in a classification")
    epsilon, tolerated = section.number("epsilon"), section.number("tolerated") or 0.0
    if epsilon is not None and epsilon < 0:
        raise section.wrong("epsilon", epsilon, "0 or more")
    if not 0 <= tolerated < 1:
        raise section.wrong("tolerated", tolerated, "a share of rows from 0 to below 1")
    return Check(kind, feature.name, by, None if output is None else label_text(output), epsilon, tolerated)


def _column(where: str, name: str, columns: Sequence[Feature]) -> Feature:
    for feature in columns:
        if feature.name == name:
            return feature
    raise ConfigurationError(
        f"params.yaml: {where} names {name!r}, which schema does not declare{near(name, [f.name for f in columns])}"
    )
