"""Whether an engine answers as scikit-learn does, row by row, on rows that both answer themselves."""

from __future__ import annotations

import numpy as np

from artifact.prediction import Prediction, Runner
from artifact.signature import Signature
from artifact.tolerance import TOLERANCE, differing
from pipeline.agreement import Agreement
from pipeline.probes import Probes, shown

LEAST = 0.5  # the share of all rows that must have been compared


def compare(signature: Signature, exact: Runner, candidate: Runner, probes: Probes) -> Agreement:
    """Compare `candidate` with scikit-learn (`exact`) on `probes`."""
    one, other = exact.predict(probes.table), candidate.predict(probes.table)
    finite, answered = one.finite(), other.finite()
    both = finite & answered
    usual = float(np.abs(one.values[: probes.real][finite[: probes.real]]).mean()) if _regression(signature) else 0.0
    problem, differences = None, {}
    for output in signature.outputs:
        before, now = _values(output.name, one)[both], _values(output.name, other)[both]
        wrong = differing(signature.task, output.name, before.tolist(), now.tolist(), TOLERANCE, usual)
        differences[output.name] = _largest(output.name, before, now, usual, len(wrong))
        if len(wrong) and problem is None:
            row = int(wrong[0])
            problem = (
                f"{output.name} differs on {len(wrong)} of {both.sum()} rows, as {now[row].tolist()!r} from "
                f"{before[row].tolist()!r} for {shown(probes.table, int(np.flatnonzero(both)[row]))}"
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


def _regression(signature: Signature) -> bool:
    return signature.task == "regression"


def _values(output: str, prediction: Prediction) -> np.ndarray:
    if output != "probabilities":
        return prediction.values
    assert prediction.probabilities is not None  # the signature names them
    return prediction.probabilities


def _largest(output: str, before: np.ndarray, now: np.ndarray, usual: float, wrong: int) -> float:
    if output == "label":
        return float(wrong)
    scale = np.maximum(np.abs(before), usual) if output == "prediction" else 1.0
    moved = np.abs(now - before)
    return float(np.divide(moved, scale, out=np.zeros_like(moved), where=moved > 0).max(initial=0.0))
