"""Which held-out rows may judge two models: those that neither was trained on, for certain. docs/adr/0012."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.packaging.training_rows import TrainingRows


@dataclass(frozen=True)
class Holdout:
    """`rows`: the numbers of those that may be compared on. Of all held-out rows, the champion was trained on
    `trained`, and it is not known of `unknown` whether it was; `reason` says why none are left, if so."""

    rows: np.ndarray
    trained: int
    unknown: int
    reason: str | None = None


def comparable(
    hashes: np.ndarray, champion: TrainingRows | None, same_split: bool, fewest: int, apart: bool = False
) -> Holdout:
    """The rows of a holdout (`hashes`, [rows]) that a champion which knows the rows in `champion` never saw.

    `same_split`: it was trained on the same data, split the same way, so that its holdout is this one. Fewer than
    `fewest` rows are none. `apart`: combinations of the features are so few that each was seen by any model, whichever
    rows it was trained on; then no row tells more of one model than of the other.
    """
    if apart:
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
