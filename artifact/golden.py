"""Golden requests: rows with the answers the model gave when it was packaged, replayed before it may serve."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress
from typing import Any

import numpy as np

from artifact import moment, strict_json
from artifact.engines import engine
from artifact.errors import ConfigurationError, GoldenError, IntegrityError
from artifact.prediction import Columns, Prediction, Runner, rows
from artifact.signature import TIMES, Feature, Signature, as_json
from artifact.tolerance import TOLERANCE, differing
from artifact.validation.validator import validated_columns

FILE = "golden.json"
UNSEEN = "never seen in training"
_EDGES = 64
_FAR = 1 << 20  # beyond the greatest whole number of the holdout, so that training will not have had it either


def make(signature: Signature, runner: Runner, table: Columns, count: int) -> dict[str, Any]:
    """`count` rows evenly spaced through `table`, and edge rows: each nullable feature missing, each open text feature
    and each whole number without a range with a value no training ever saw, each declared range at its ends.

    The edge rows prove at packaging that the model answers whatever its signature lets in; one that raises on them
    would answer a valid request with an error, and is refused with ConfigurationError (10). A row without a finite
    answer, which a caller is refused, is no golden request.
    """
    present = rows(table)
    if present == 0 or count < 1:
        raise ConfigurationError(f"golden requests: {count} rows from a table of {present}; at least one is needed")
    picked = np.unique(np.linspace(0, present - 1, min(count, present)).round().astype(int))
    columns = to_json(signature, {name: values[picked] for name, values in table.items()})
    first = {name: values[0] for name, values in columns.items()}
    for feature, value in _edges(signature, table):
        edge = first | {feature.name: value}
        _check_edge(signature, runner, feature, edge)
        for name, values in columns.items():
            values.append(edge[name])
    finite = runner.predict(validated_columns(signature, columns)).finite().tolist()
    if not any(finite):
        raise ConfigurationError("golden requests: the model has a finite answer for none of them; train it otherwise")
    columns = {name: list(compress(values, finite)) for name, values in columns.items()}
    answers = _answers(signature, runner.predict(validated_columns(signature, columns)))
    return {"tolerance": TOLERANCE, "inputs": columns, "outputs": answers}


def read(data: bytes) -> Mapping[str, Any]:
    """The golden requests in the bytes of golden.json; IntegrityError (20) for what is of another form."""
    value = strict_json.read(data, FILE)
    forms = {"tolerance": (int, float), "inputs": (dict,), "outputs": (dict,)}
    if type(value) is not dict or value.keys() != forms.keys():
        raise IntegrityError(f"{FILE} is no object of tolerance, inputs and outputs; package the model again")
    for name, kinds in forms.items():
        if type(value[name]) not in kinds:
            raise IntegrityError(f"{FILE}: {name} is {value[name]!r:.80}; package the model again")
    return value


def replay(signature: Signature, runner: Runner, golden: Mapping[str, Any]) -> Columns:
    """The golden rows, at least one; GoldenError (23) names the first whose answer is not the recorded one."""
    try:
        tolerance, recorded = float(golden["tolerance"]), golden["outputs"]
        if not 0 <= tolerance <= TOLERANCE:
            raise GoldenError(
                f"golden requests: a tolerance of {tolerance:g} proves nothing; at most {TOLERANCE:g} does"
            )
        due = [output.name for output in signature.outputs]
        if recorded.keys() != set(due):
            raise GoldenError(f"golden requests: answers {list(recorded)!r:.80}, where {', '.join(due)} are due")
        table = validated_columns(signature, golden["inputs"])
        # What answers only the rows that another engine cannot, or calls of many rows, is asked for all of them.
        for part in engine.each(runner):
            answers = _answers(signature, part.predict(table))
            for output in signature.outputs:
                _compare(output.name, recorded[output.name], answers[output.name], tolerance)
        return table
    except GoldenError:
        raise
    except Exception as error:
        # Whatever the model raises here it would raise for a caller's request: it must not become ready.
        raise GoldenError(f"golden requests fail: {type(error).__name__}: {error}; train and package again") from error


def _compare(name: str, recorded: list[Any], answers: list[Any], tolerance: float) -> None:
    if len(recorded) != len(answers):
        raise GoldenError(f"golden requests: {len(answers)} answers for {name}, {len(recorded)} were recorded")
    shapes = (np.shape(before) != np.shape(now) for before, now in zip(recorded, answers, strict=True))
    wrong = np.flatnonzero(list(shapes))
    if not len(wrong):
        wrong = differing(name, recorded, answers, tolerance)
    if len(wrong):
        row = int(wrong[0])
        raise GoldenError(
            f"golden request {row}: {name} is {answers[row]!r}, {recorded[row]!r} was recorded; "
            "this model must not serve here"
        )


def _edges(signature: Signature, table: Columns) -> list[tuple[Feature, Any]]:
    edges: list[tuple[Feature, Any]] = []
    for feature in signature.inputs:
        if feature.nullable:
            edges.append((feature, None))
        if feature.dtype == "string" and feature.categories is None:
            edges.append((feature, UNSEEN))
        if feature.whole and feature.categories is None and feature.range is None:
            edges.append((feature, min(int(table[feature.name].max()) + _FAR, 2**63 - 1)))
        for end in feature.range or ():
            if end is not None:
                edges.append((feature, end))
    return edges[:_EDGES]


def _check_edge(signature: Signature, runner: Runner, feature: Feature, row: Mapping[str, Any]) -> None:
    try:
        runner.predict(validated_columns(signature, {name: [value] for name, value in row.items()}))
    except Exception as error:
        text = "a missing value" if row[feature.name] is None else repr(row[feature.name])
        raise ConfigurationError(
            f"the model fails on {text} in {feature.name!r}, which the schema allows ({error}); "
            "declare categories or nullable: false, or let the preprocessing handle it"
        ) from error


def to_json(signature: Signature, table: Columns) -> dict[str, list[Any]]:
    """`table` as a caller would send it: feature → values, None for what is missing."""
    return {
        feature.name: [_sent(feature, value) for value in table[feature.name].tolist()] for feature in signature.inputs
    }


def _sent(feature: Feature, value: Any) -> Any:
    if value != value:
        return None
    if feature.dtype in TIMES:
        return moment.text(value, feature.dtype)
    return {"bool": bool, "int64": int}.get(feature.dtype, _same)(value)


def _same(value: Any) -> Any:
    return value


def _answers(signature: Signature, prediction: Prediction) -> dict[str, list[Any]]:
    return {
        output.name: [as_json(value) for value in array]
        if (array := prediction.array(output.name)).ndim == 1
        else array.tolist()
        for output in signature.outputs
    }
