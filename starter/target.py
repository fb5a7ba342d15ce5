"""The column to predict: the task that follows from it, and its entry of the schema."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from artifact.errors import DataContractError
from artifact.signature import Feature
from pipeline.data.contract import MARKERS
from starter import schema_guess, yaml_lines
from starter.column import Column, Left
from starter.schema_guess import Raw

_CLASSES = 50
_NUMBERED = 20  # whole numbers: up to as many different ones are classes
_MOST_LABELS = 6
_LISTS = re.compile(r"\s*[|;,]\s*")


def column(read: Raw, name: str) -> Column:
    """The column `name` of rows that all have a value there; DataContractError (40) where it cannot be predicted."""
    guessed = schema_guess.guess(read, name)
    if isinstance(guessed, Left):
        raise DataContractError(f"the target {name!r} cannot be predicted: {guessed.reason}")
    if guessed.kind == "moment":  # a class by its text, where it is one at all
        return replace(guessed, feature=replace(guessed.feature, dtype="string", zone=None))
    return guessed


def task_of(target: Column) -> str:
    """Classification for text, booleans and few different whole numbers, written 1 or 1.0; else regression."""
    if target.feature.dtype == "string" or target.feature.dtype == "bool":
        return "classification"
    distinct = len(np.unique(target.values))
    few = distinct <= min(_NUMBERED, len(target.values) // 5)
    return "classification" if few and _whole(target.values) else "regression"


def answer(target: Column, task: str) -> Column:
    """The target as the schema declares it; DataContractError (40) where it does not fit the task."""
    feature = replace(target.feature, nullable=False)
    if task == "regression":
        return replace(target, feature=_number(target, feature))
    if feature.dtype == "float64":
        if not _whole(target.values):
            raise DataContractError(
                f"the target {feature.name!r} holds fractions, which name no class; use --task regression, or "
                "write text"
            )
        feature = replace(feature, dtype="int64")
        target = replace(target, feature=feature, values=target.values.astype(np.int64))
    classes = sorted(set(target.values.tolist()))
    _check_classes(target, classes)
    absent = next((text for text in classes if isinstance(text, str) and text.strip().lower() in MARKERS), None)
    if absent is not None:
        note = f"{absent!r} is taken as a class; where it says that there is no answer, empty those cells"
        target = replace(target, note=f"{target.note}; {note}" if target.note else note)
    return replace(target, feature=feature if feature.dtype == "bool" else replace(feature, categories=tuple(classes)))


def _number(target: Column, feature: Feature) -> Feature:
    if feature.dtype not in ("int64", "float64"):
        remedy = target.note or "use --task classification"
        raise DataContractError(
            f"the target {feature.name!r} is {feature.dtype}, a regression predicts numbers; {remedy}"
        )
    return replace(feature, dtype="float64")


def _check_classes(target: Column, classes: Collection[object]) -> None:
    name = target.feature.name
    if len(classes) < 2:
        raise DataContractError(
            f"the target {name!r} is {next(iter(classes))!r} in every row; there is nothing to tell apart"
        )
    texts = [text for text in classes if isinstance(text, str)]
    several = next((text for text in texts if len(_LISTS.split(text)) > 1), None)
    labels = {label for text in texts for label in _LISTS.split(text)}
    if several is not None and len(labels) < len(texts):  # the same few labels, in many combinations
        raise DataContractError(
            f"the target {name!r} holds several labels in one cell, such as {several!r}: a multi-label target is a "
            f"column of true and false for each of {', '.join(sorted(labels)[:6])}; write those columns, begin with "
            f"--target {min(labels)!r}, and then set in params.yaml: {_several_labels(sorted(labels))}"
        )
    if len(classes) > _CLASSES:
        remedy = target.note or "group them, or use --task regression for numbers"
        raise DataContractError(
            f"the target {name!r} has {len(classes)} different values, more than {_CLASSES} classes; {remedy}"
        )


def _several_labels(labels: Sequence[str]) -> str:
    """The keys of params.yaml of a model with several targets."""
    names = yaml_lines.flow(list(labels[:_MOST_LABELS]))
    more = "" if len(labels) <= _MOST_LABELS else f" and {len(labels) - _MOST_LABELS} more"
    return (
        f"model.task: multilabel, data.targets: {names}{more} instead of data.target, prepare.split.method: "
        "random, train.estimator: sklearn.multioutput.MultiOutputClassifier around the one there; docs/models.md"
    )


def _whole(values: np.ndarray) -> bool:
    return values.dtype != object and bool(np.all(np.mod(values, 1) == 0))
