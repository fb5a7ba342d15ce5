"""Golden requests: rows with the answers the model gave when it was packaged, replayed before it may serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from artifact import validation
from artifact.engine import Prediction, Runner
from artifact.errors import ConfigurationError, GoldenError
from artifact.signature import Feature, Signature, as_json

FILE = "golden.json"
# On the class of CPU that trained, answers are equal to the bit; elsewhere within this (absolute for probabilities,
# relative for regressions).
TOLERANCE = 1e-6
_UNSEEN = "never seen in training"
_EDGES = 64


def make(signature: Signature, runner: Runner, frame: pd.DataFrame, rows: int) -> dict[str, Any]:
    """`rows` rows evenly spaced through `frame`, and edge rows: each nullable feature missing, each open text feature
    with a value no training ever saw, each declared range at its ends.

    The edge rows prove at packaging that the model answers whatever its signature lets in; one that raises on them
    would answer a valid request with an error, and is refused with ConfigurationError (10).
    """
    if len(frame) == 0 or rows < 1:
        raise ConfigurationError(f"golden requests: {rows} rows from a table of {len(frame)}; at least one is needed")
    picked = np.unique(np.linspace(0, len(frame) - 1, min(rows, len(frame))).round().astype(int))
    columns = _to_json(signature, frame.iloc[picked])
    first = {name: values[0] for name, values in columns.items()}
    for feature, value in _edges(signature):
        edge = first | {feature.name: value}
        _check_edge(signature, runner, feature, edge)
        for name, values in columns.items():
            values.append(edge[name])
    answers = _answers(signature, runner.predict(validation.frame(signature, columns)))
    return {"tolerance": TOLERANCE, "inputs": columns, "outputs": answers}


def replay(signature: Signature, runner: Runner, golden: Mapping[str, Any]) -> None:
    """Raise GoldenError (23) naming the first row whose answer is not the recorded one."""
    try:
        tolerance, recorded = float(golden["tolerance"]), golden["outputs"]
        frame = validation.frame(signature, golden["inputs"])
        answers = _answers(signature, runner.predict(frame))
        for output in signature.outputs:
            _compare(output.name, recorded[output.name], answers[output.name], tolerance, signature.task)
    except GoldenError:
        raise
    except Exception as error:
        # Whatever the model raises here it would raise for a caller's request: it must not become ready.
        raise GoldenError(f"golden requests fail: {type(error).__name__}: {error}; train and package again") from error


def _compare(name: str, recorded: list[Any], answers: list[Any], tolerance: float, task: str) -> None:
    if len(recorded) != len(answers):
        raise GoldenError(f"golden requests: {len(answers)} answers for {name}, {len(recorded)} were recorded")
    for row, (before, now) in enumerate(zip(recorded, answers, strict=True)):
        if name == "label":
            same = before == now and type(before) is type(now)
        else:
            scale = np.maximum(1.0, np.abs(before)) if task == "regression" else 1.0
            same = np.shape(before) == np.shape(now) and bool(
                np.all(np.abs(np.subtract(now, before)) <= tolerance * scale)
            )
        if not same:
            raise GoldenError(
                f"golden request {row}: {name} is {now!r}, {before!r} was recorded; this model must not serve here"
            )


def _edges(signature: Signature) -> list[tuple[Feature, Any]]:
    edges: list[tuple[Feature, Any]] = []
    for feature in signature.inputs:
        if feature.nullable:
            edges.append((feature, None))
        if feature.dtype == "string" and feature.categories is None:
            edges.append((feature, _UNSEEN))
        for end in feature.range or ():
            if end is not None:
                edges.append((feature, end))
    return edges[:_EDGES]


def _check_edge(signature: Signature, runner: Runner, feature: Feature, row: Mapping[str, Any]) -> None:
    try:
        runner.predict(validation.frame(signature, {name: [value] for name, value in row.items()}))
    except Exception as error:
        shown = "a missing value" if row[feature.name] is None else repr(row[feature.name])
        raise ConfigurationError(
            f"the model fails on {shown} in {feature.name!r}, which the schema allows ({error}); "
            "declare categories or nullable: false, or let the preprocessing handle it"
        ) from error


def _to_json(signature: Signature, frame: pd.DataFrame) -> dict[str, list[Any]]:
    columns = {}
    for feature in signature.inputs:
        values = [None if value != value else value for value in frame[feature.name].tolist()]
        columns[feature.name] = (
            [value if value is None else bool(value) for value in values] if feature.dtype == "bool" else values
        )
    return columns


def _answers(signature: Signature, prediction: Prediction) -> dict[str, list[Any]]:
    if signature.task == "regression":
        return {"prediction": prediction.values.tolist()}
    answers: dict[str, list[Any]] = {"label": [as_json(value) for value in prediction.values.tolist()]}
    if prediction.probabilities is not None:
        answers["probabilities"] = prediction.probabilities.tolist()
    return answers
