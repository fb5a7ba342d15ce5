"""Which held-out rows may judge both models: those that, for certain, neither was trained on. docs/adr/0012."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.packaging.training_rows import TrainingRows


@dataclass(frozen=True)
class Holdout:
    """`rows`: the numbers of the rows to compare on. `trained` counts the held-out rows that the champion was trained
    on, `unknown` those of which that is not known; `reason` says why no rows are left, if so."""

    rows: np.ndarray
    trained: int
    unknown: int
    reason: str | None = None


def comparable(
    hashes: np.ndarray, champion: TrainingRows | None, same_split: bool, fewest: int, twins_apart: bool = False
) -> Holdout:
    """Select the rows of a holdout that both models can be compared on: those the champion was not trained on.

    `hashes`: of the holdout's rows, [rows]. `champion`: hashes of the rows the champion was trained on, None where its
    artifact keeps none. `same_split`: the champion was trained on the same data, split the same way, so that its
    holdout is this one. Fewer than `fewest` rows count as none. `twins_apart`: the features have so few combinations
    that every model has seen each of them; all rows are compared then, since none favours either model.
    """
    if twins_apart:
        return Holdout(np.arange(len(hashes)), 0, 0)
    if champion is None:
        if same_split:
            return Holdout(np.arange(len(hashes)), 0, 0)
        reason = "the champion's artifact does not say which rows it was trained on, and its data or split was another"
        return Holdout(np.empty(0, dtype=np.int64), 0, len(hashes), reason)
    recorded = champion.covers(hashes)
    trained = recorded & champion.trained(hashes)
    clean = (recorded | same_split) & ~trained if not trained.any() else recorded & ~trained
    holdout = Holdout(np.flatnonzero(clean), int(trained.sum()), 0 if clean.all() else int((~recorded).sum()))
    if len(holdout.rows) >= fewest:
        return holdout
    reason = (
        f"of {len(hashes)} held-out rows the champion was trained on {holdout.trained}, "
        f"and {len(holdout.rows)} are left, fewer than gate.champion.rows ({fewest})"
    )
    return Holdout(np.empty(0, dtype=np.int64), holdout.trained, holdout.unknown, reason)
