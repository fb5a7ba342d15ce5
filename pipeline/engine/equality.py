"""Whether an engine answers as scikit-learn does, row by row, on rows that both answer themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact.engines import unanswered
from artifact.prediction import PROBABILITIES, Columns, Prediction, Runner, rows
from artifact.signature import Signature
from artifact.tolerance import TOLERANCE, differing, mean_size
from pipeline.engine.agreement import Agreement
from pipeline.engine.probes import Probes, shown

# Of what may differ online: rows that are not among the probes may differ a hundred times as much as these.
PROVED = TOLERANCE / 100
LEAST = 0.5  # the share of all rows that must have been compared


def compare(signature: Signature, exact: Runner, candidate: Runner, probes: Probes) -> Agreement:
    """Compare `candidate` with scikit-learn (`exact`) on `probes`."""
    with np.errstate(all="ignore"):  # extremes overflow, as they may
        other = candidate.predict(probes.table)
        answered = other.finite()
        one = _predict(exact, probes.table, np.flatnonzero(~answered))
    finite = one.finite()
    both = finite & answered
    usual = float(mean_size(one.values[: probes.real][finite[: probes.real]])) if signature.number else 0.0
    problem, differences = None, dict[str, float]()
    for output in signature.outputs if both.any() else ():
        before, now = one.array(output.name)[both].tolist(), other.array(output.name)[both].tolist()
        wrong = differing(output.name, before, now, PROVED, usual)
        differences[output.name] = len(wrong) if output.name == "label" else _largest(signature, before, now, usual)
        if len(wrong) and problem is None:
            row = int(wrong[0])
            problem = (
                f"{output.name} differs on {len(wrong)} of {len(before)} rows, as {now[row]!r} from {before[row]!r} "
                f"for {shown(probes.table, int(np.flatnonzero(both)[row]))}"
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


def _predict(exact: Runner, table: Columns, suspects: np.ndarray) -> Prediction:
    """What `exact` answers; rows that it raises for have numbers that are not finite.

    `suspects` are rows that the other engine has no answer for. Mostly those are the rows, and a few calls find them.
    """
    try:
        return exact.predict(table)
    except Exception:
        alone = (int(row) for row in suspects)
        wrong = [row for row in alone if any(True for _ in unanswered.failing(exact, _at(table, [row])))]
    kept = np.delete(np.arange(rows(table)), wrong)
    try:
        some = exact.predict(_at(table, kept))
    except Exception:
        kept = np.delete(np.arange(rows(table)), list(unanswered.failing(exact, table)))
        some = exact.predict(_at(table, kept))
    return _spread(some, kept, rows(table))


def _at(table: Columns, places: Any) -> Columns:
    return {name: values[places] for name, values in table.items()}


def _spread(some: Prediction, kept: np.ndarray, count: int) -> Prediction:
    """`some` as the answers for the rows `kept` of `count`; the others have numbers that are not finite."""
    places = np.full(count, -1)
    places[kept] = np.arange(len(kept))
    spread = some.taken(places)
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
            return f"{words.format(wrong.sum(), len(both))}, as for {shown(probes.table, int(np.argmax(wrong)))}"
    if both.sum() < LEAST * len(both):
        return f"{both.sum()} of {len(both)} rows have a finite answer, at least {LEAST:.0%} are needed"
    return None


def _largest(signature: Signature, before: list[Any], now: list[Any], usual: float) -> float:
    first, second = np.array(before), np.array(now)
    moved = np.abs(second - first)
    scale = np.maximum(np.abs(first), usual) if signature.number else np.ones_like(moved)
    return float(np.divide(moved, scale, out=np.zeros_like(moved), where=moved > 0).max())
