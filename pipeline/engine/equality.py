"""Whether an engine answers as scikit-learn does, row by row, on rows that both answer themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact.engines import unanswered
from artifact.prediction import PROBABILITIES, Columns, Prediction, Runner, rows, together
from artifact.signature import Signature
from artifact.tolerance import LABELS, TOLERANCE, differing, mean_size
from pipeline.engine.agreement import Agreement
from pipeline.engine.probes import Probes
from pipeline.shared.stored_columns import ROWS

# Of what may differ online: rows that are not among the probes may differ a hundred times as much as these.
PROVED = TOLERANCE / 100
LEAST = 0.5  # the share of all rows that must have been compared


def compare(signature: Signature, exact: Runner, candidate: Runner, probes: Probes) -> Agreement:
    """Compare `candidate` with scikit-learn (`exact`) on `probes`."""
    others, ones = [], []
    for lot in probes.lots():
        with np.errstate(all="ignore"):  # extremes overflow, as they may
            others.append(candidate.predict(lot))
            ones.append(_predict(exact, lot, others[-1]))
    actual, expected = together(others), together(ones)
    finite, answered = expected.finite(), actual.finite()
    both = finite & answered
    problem, differences = None, dict[str, float]()
    for output in signature.outputs if both.any() else ():
        before, now = expected.array(output.name)[both], actual.array(output.name)[both]
        usual = _usual(output.name, expected, finite, probes.real)
        count, first, differences[output.name] = _differences(output.name, before, now, usual)
        if count and problem is None:
            answer, due = (array[first : first + 1].tolist()[0] for array in (now, before))
            problem = (
                f"{output.name} differs on {count} of {len(before)} rows, as {answer!r} from {due!r} for "
                f"{probes.row_text(int(np.flatnonzero(both)[first]))}"
            )
    return Agreement(
        rows=probes.rows,
        training=probes.training,
        splits=probes.splits,
        compared=int(both.sum()),
        unanswered=int((finite & ~answered).sum()),
        neither=int((~finite & ~answered).sum()),
        differences=differences,
        problem=_gaps(finite, answered, probes) or problem,
    )


def _usual(output: str, expected: Prediction, finite: np.ndarray, real: int) -> Any:
    """The mean size of the answers to real rows, a number or [columns]; None of what is no such number."""
    values = expected.array(output)
    return None if output in (*LABELS, PROBABILITIES) else mean_size(values[:real][finite[:real]])


def _differences(output: str, before: np.ndarray, now: np.ndarray, usual: Any) -> tuple[int, int, float]:
    """How many rows differ by more than PROVED, the first of them, and the largest difference of all."""
    count, first, largest = 0, -1, 0.0
    for start in range(0, len(before), ROWS):
        expected, actual = before[start : start + ROWS], now[start : start + ROWS]
        wrong = differing(
            output, expected.tolist(), actual.tolist(), PROVED, usual
        )  # as lists, labels have their types
        if len(wrong) and first < 0:
            first = start + int(wrong[0])
        count += len(wrong)
        largest = max(largest, 0.0 if output in LABELS else _largest(expected, actual, usual))
    return count, first, float(count) if output in LABELS else largest


def _predict(exact: Runner, table: Columns, other: Prediction) -> Prediction:
    """What `exact` answers; rows that it raises for have numbers that are not finite.

    Mostly those are rows that the other engine has no answer for, as `other` says, and a few calls find them.
    """
    try:
        return exact.predict(table)
    except Exception:
        alone = np.flatnonzero(~other.finite()).tolist()
        wrong = [row for row in alone if any(True for _ in unanswered.failing(exact, _at(table, [row])))]
    try:
        return _without(exact, table, wrong, other)
    except Exception:
        return _without(exact, table, list(unanswered.failing(exact, table)), other)


def _without(exact: Runner, table: Columns, wrong: list[int], other: Prediction) -> Prediction:
    rest = np.delete(np.arange(rows(table)), wrong)
    return _spread(exact.predict(_at(table, rest)) if len(rest) else other, rest, rows(table))


def _at(table: Columns, places: Any) -> Columns:
    return {name: values[places] for name, values in table.items()}


def _spread(some: Prediction, answered: np.ndarray, count: int) -> Prediction:
    """`some` as the answers for the rows `answered` of `count`; the others have numbers that are not finite."""
    places = np.full(count, -1)
    places[answered] = np.arange(len(answered))
    spread = some.take(places)
    for array in spread.arrays if some.probabilities is None else [spread.array(PROBABILITIES)]:
        array[places < 0] = np.nan
    return spread


def _gaps(finite: np.ndarray, answered: np.ndarray, probes: Probes) -> str | None:
    """Why the rows that were compared are too few, or not the right ones."""
    both = finite & answered
    for wrong, words in (
        (finite & ~answered, "the graph has no finite answer on {} of {} rows where scikit-learn has one"),
        (answered & ~finite, "the graph answers {} of {} rows where scikit-learn has no finite answer"),
        (~both & (np.arange(len(both)) < probes.real), "{} of {} rows, of training or held out, have no finite answer"),
    ):
        if wrong.any():
            return f"{words.format(wrong.sum(), len(both))}, as for {probes.row_text(int(np.argmax(wrong)))}"
    if both.sum() < LEAST * len(both):
        return f"{both.sum()} of {len(both)} rows have a finite answer, at least {LEAST:.0%} are needed"
    return None


def _largest(before: np.ndarray, now: np.ndarray, usual: Any) -> float:
    moved = np.abs(now - before)
    scale = np.ones_like(moved) if usual is None else np.maximum(np.abs(before), usual)
    return float(np.divide(moved, scale, out=np.zeros_like(moved), where=moved > 0).max())
