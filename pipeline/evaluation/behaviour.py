"""Expectations of a model that no metric shows: what a change of one column must, or must not, do to its predictions.

(Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, 2020.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from artifact.errors import ConfigurationError
from artifact.prediction import Columns, Prediction, Runner
from artifact.signature import Signature
from artifact.validation.column import number_bounds
from pipeline.params.evaluate import Check

ROWS = 10_000  # of the holdout, evenly spaced: enough to see a share of one in a thousand
_VALUES = 10  # of a column without order, the most frequent first
_ROUNDING = 1e-9  # moves below this are the arithmetic's, not the model's


def run(checks: tuple[Check, ...], signature: Signature, runner: Runner, holdout: Columns) -> list[dict[str, Any]]:
    """Each check with the rows it was tried on, those that `broke` it, the `worst` move and whether it `passed`.

    A row counts once, whatever the number of values it was tried with. ConfigurationError (10) for a class whose
    probability the model does not give.
    """
    if not checks:
        return []
    present = len(next(iter(holdout.values())))
    picked = np.unique(np.linspace(0, present - 1, min(ROWS, present)).round().astype(int))
    table = {name: values[picked] for name, values in holdout.items()}
    before = runner.predict(table)
    return [_tried(check, signature, runner, table, before) for check in checks]


def _tried(check: Check, signature: Signature, runner: Runner, table: Columns, before: Prediction) -> dict[str, Any]:
    count = len(before.values)
    broke, tried, worst = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool), 0.0
    for moved in _moves(check, signature, table[check.column]):
        differs = (moved != table[check.column]) & (moved == moved)
        now = runner.predict({**table, check.column: np.where(differs, moved, table[check.column])})
        wrong, size = _broken(check, signature, before, now)
        tried |= differs
        broke |= wrong & differs
        worst = max(worst, float(size[differs].max(initial=0.0)))
    share = float(broke.sum() / tried.sum()) if tried.any() else 0.0
    return {
        "check": in_words(check),
        "kind": check.kind,
        "column": check.column,
        "rows": int(tried.sum()),
        "broke": int(broke.sum()),
        "share": share,
        "tolerated": check.tolerated,
        "worst": worst,
        "passed": share <= check.tolerated,
    }


def in_words(check: Check) -> str:
    """The expectation as one clause."""
    if check.kind == "invariant":
        moved = f"moving {check.column!r} by {check.by:g}" if check.by is not None else f"another {check.column!r}"
        effect = "keeps the label" if check.epsilon is None else f"moves the prediction by at most {check.epsilon:g}"
        return f"{moved} {effect}"
    result = "the prediction" if check.output is None else f"the probability of {check.output}"
    moves = "lowers" if check.kind == "increasing" else "raises"
    return f"raising {check.column!r} by {check.by:g} never {moves} {result}"


def _moves(check: Check, signature: Signature, values: np.ndarray) -> Iterator[np.ndarray]:
    """The column with other values, [rows]; NaN stays NaN."""
    feature = next(item for item in signature.inputs if item.name == check.column)
    if check.by is not None:
        low, high = number_bounds(feature)
        for step in (check.by,) if check.kind != "invariant" else (check.by, -check.by):
            yield np.clip(values + step, low, high).astype(values.dtype)
        return
    present = values[values == values]
    distinct, counts = np.unique(present.astype(str) if present.dtype == object else present, return_counts=True)
    for place in np.argsort(-counts, kind="stable")[:_VALUES]:
        value: Any = distinct[place]
        yield np.full(len(values), str(value) if values.dtype == object else value, dtype=values.dtype)


def _broken(check: Check, signature: Signature, before: Prediction, now: Prediction) -> tuple[np.ndarray, np.ndarray]:
    """Which rows break `check`, and how far each moved, [rows] each."""
    numbers = [_numbers(prediction) for prediction in (before, now)]
    if check.kind == "invariant":
        if numbers[0].dtype.kind != "f":
            size = np.asarray(now.values != before.values, dtype=np.float64).reshape(len(now.values), -1).max(axis=1)
        else:
            size = np.abs(numbers[1] - numbers[0]).reshape(len(before.values), -1).max(axis=1)
        if signature.task == "regression":
            return size > (check.epsilon or 0.0) + _ROUNDING, size
        moved = np.zeros(len(size), dtype=bool) if check.epsilon is None else size > check.epsilon + _ROUNDING
        return moved | (now.values != before.values).reshape(len(size), -1).any(axis=1), size
    if check.output is not None:
        columns = next((output.columns for output in signature.outputs[::-1] if output.columns is not None), ())
        if check.output not in columns:
            raise ConfigurationError(
                f"params.yaml: evaluate.behaviour: {check.output!r} is none of the classes or targets that the model "
                f"gives a number for ({', '.join(columns) or 'it gives none'})"
            )
        place = columns.index(check.output)
        numbers = [values[:, place] for values in numbers]
    rise = numbers[1] - numbers[0]
    against = -rise if check.kind == "increasing" else rise
    return against > (check.epsilon or 0.0) + _ROUNDING, np.maximum(against, 0.0)


def _numbers(prediction: Prediction) -> np.ndarray:
    """What is compared when an input changes: probabilities, a score or numbers; labels where there are none."""
    if prediction.probabilities is not None:
        return prediction.probabilities
    return prediction.more.get("score", prediction.values)
