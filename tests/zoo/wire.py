"""A running predictor of an artifact of the zoo, and scikit-learn's answers to compare its own with."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from artifact.golden import to_json
from artifact.prediction import Columns
from artifact.tolerance import LABELS, TOLERANCE
from artifact.validation.frame import from_columns
from tests.predictor import forms
from tests.predictor.conftest import Server, start
from tests.predictor.models import Packaged
from tests.zoo.build import NAME, Built

SINGLE_ROWS = 6  # rows of a kind, each in a request of its own
FEW = 100  # rows of the requests between those and the one with all rows


@contextmanager
def serving(built: Built, log: Path) -> Iterator[Server]:
    """A predictor of `built` while the block runs; it must end with 0."""
    packaged = Packaged(NAME, built.pipeline, built.signature, built.directory, built.digest, {})
    server = start(packaged, log, PREDICTOR_DRAIN_SECONDS="0", PREDICTOR_LOG_SAMPLING="0")
    try:
        server.wait()
        yield server
    finally:
        code = server.stop()
    assert code == 0, log.read_text()


@dataclass
class Findings:
    """What came of asking a model: rows, those of them that scikit-learn has no answer for, and each difference."""

    rows: int = 0
    without_answer: int = 0
    largest: float = 0.0
    beyond: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def compare(server: Server, built: Built, columns: Columns) -> Findings:
    """Ask about `columns` in every protocol, all together, some by some and some alone, and compare with scikit-learn.

    Together is not enough: a row without an answer by one engine may bring another engine to answer its company, too.
    """
    findings = Findings(rows=len(next(iter(columns.values()))))
    without = no_answer(built, columns)
    findings.without_answer = len(without)
    good = np.setdiff1d(np.arange(findings.rows), without)
    size = typical(built)
    for places, asking in (
        (good, (forms.by_feature, forms.binary)),
        *((good[first : first + FEW], (forms.v1_lists, forms.grpc_raw)) for first in range(0, len(good), FEW)),
        *((np.array([place]), (forms.v1_lists, forms.by_feature, forms.grpc_raw)) for place in _spread(good)),
    ):
        _differences(server, built, take(columns, places), asking, size, findings)
    for number, place in enumerate(_spread(without)):
        before = good[: number % 4]
        _refusal(server, built, take(columns, np.append(before, place)), len(before), findings)
    log = server.log.read_text()
    if "Traceback" in log:
        findings.wrong.append(f"a traceback in the log: {log[-600:]}")
    return findings


def _spread(places: np.ndarray) -> list[int]:
    """At most SINGLE_ROWS of `places`, evenly spaced."""
    return sorted(set(places[np.linspace(0, len(places) - 1, SINGLE_ROWS).astype(int)].tolist() if len(places) else ()))


def in_words(columns: Columns, row: int) -> str:
    """One row in words."""
    return ", ".join(f"{name} = {values[row]!s}" for name, values in columns.items())


def take(columns: Columns, places: np.ndarray) -> Columns:
    """The rows of `columns` at `places`."""
    return {name: values[places] for name, values in columns.items()}


def typical(built: Built) -> float:
    """The mean size of a regression's answers to the training rows."""
    answered = exact(built, built.trained).get("prediction")
    return 1.0 if answered is None else float(np.abs(answered).mean())


def exact(built: Built, columns: Columns) -> dict[str, Any]:
    """The answers of the Pipeline itself, as a person would ask for them; what it raises for a row it has none for."""
    table = from_columns(built.signature, columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _ANSWERS[built.signature.task](built.pipeline, table)


def _labels(pipeline: Any, table: Any) -> dict[str, Any]:
    answers = {"label": np.asarray(pipeline.predict(table))}
    return (
        {**answers, "probabilities": pipeline.predict_proba(table)} if hasattr(pipeline, "predict_proba") else answers
    )


def _numbers(pipeline: Any, table: Any) -> dict[str, Any]:
    values = np.asarray(pipeline.predict(table), dtype=np.float64)
    if hasattr(pipeline.steps[-1][1], "quantiles"):
        return dict(zip(("prediction", "lower", "upper"), values.T, strict=True))
    return {"prediction": values.reshape(len(table)) if values.size == len(table) else values}


def _flags(pipeline: Any, table: Any) -> dict[str, Any]:
    answers = {"labels": np.asarray(pipeline.predict(table)) == 1}
    if not hasattr(pipeline, "predict_proba"):
        return answers
    chances = pipeline.predict_proba(table)
    return {
        **answers,
        "probabilities": np.stack([chance[:, 1] for chance in chances], 1) if type(chances) is list else chances,
    }


def _several(pipeline: Any, table: Any) -> dict[str, Any]:
    answers = {"labels": np.asarray(pipeline.predict(table))}
    return (
        {**answers, "probabilities": pipeline.predict_proba(table)} if hasattr(pipeline, "predict_proba") else answers
    )


def _outliers(pipeline: Any, table: Any) -> dict[str, Any]:
    return {"outlier": pipeline.predict(table) == -1, "score": -pipeline.decision_function(table)}


_ANSWERS = {
    "classification": _labels,
    "regression": _numbers,
    "multilabel": _flags,
    "multioutput": _several,
    "outliers": _outliers,
}


def no_answer(built: Built, columns: Columns) -> np.ndarray:
    """Rows, numbered from 0, for which scikit-learn raises or answers a number that is not finite."""
    wrong: list[int] = []
    waiting = [np.arange(len(next(iter(columns.values()))))]
    while waiting:
        places = waiting.pop()
        try:
            answers = exact(built, take(columns, places))
        except Exception:
            if len(places) == 1:
                wrong.append(int(places[0]))
            else:
                waiting += np.array_split(places, 2)
            continue
        for values in answers.values():
            if values.dtype.kind == "f":
                wrong += places[~np.isfinite(values).reshape(len(values), -1).all(axis=1)].tolist()
    return np.array(sorted(set(wrong)), dtype=int)


def _differences(
    server: Server, built: Built, columns: Columns, asking: Sequence[forms.Form], size: float, findings: Findings
) -> None:
    expected = exact(built, columns)
    values = to_json(built.signature, columns)
    for form in asking:
        try:
            message = form(server, values)
        except Exception as error:
            findings.wrong.append(f"{form.__name__}: {' '.join(str(error).split())[:300]}")
            continue
        assert set(message) == set(expected)
        apart = {
            row for output in expected for row in _apart(output, expected[output], message[output], size, findings)
        }
        for row in sorted(apart):
            answers = ", ".join(
                f"{output} {message[output][row]!s} not {expected[output][row]!s}" for output in expected
            )
            findings.beyond.append(f"{form.__name__}: {answers} for {in_words(columns, row)}")


def _apart(output: str, expected: np.ndarray, message: Any, size: float, findings: Findings) -> list[int]:
    """Rows of `message` that are not the answers `expected`, within the tolerance of `artifact.tolerance`."""
    if output in LABELS:
        answers = message.tolist() if isinstance(message, np.ndarray) else message
        return [
            row
            for row, (expected, actual) in enumerate(zip(expected.tolist(), answers, strict=True))
            if expected != actual
        ]
    # Relative to the answer, or to a usual one; not to the mean of these answers, some of which are enormous.
    scale = 1.0 if output == "probabilities" else np.maximum(np.abs(expected), size)
    distance = (np.abs(np.asarray(message) - expected) / scale).reshape(len(expected), -1).max(axis=1)
    findings.largest = max(findings.largest, float(distance.max()))
    return np.flatnonzero(~(distance <= TOLERANCE)).tolist()


def _refusal(server: Server, built: Built, columns: Columns, row: int, findings: Findings) -> None:
    """The request must be refused with the number of its one row without an answer."""
    values = to_json(built.signature, columns)
    answer = server.post(server.v1, {"instances": [list(row) for row in zip(*values.values(), strict=True)]})
    message = answer.json.get("error", "")
    if answer.status != 422 or not message.startswith(f"row {row}: "):
        text = ", ".join(f"{name} = {column[row]!r}" for name, column in columns.items())
        findings.wrong.append(
            f"{answer.status} {str(answer.json)[:200]} where scikit-learn has no answer for row {row}: {text}"
        )
