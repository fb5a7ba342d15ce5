"""Cross-validation inside the training rows, as these were split from the holdout: rows of one unit stay together,
classes are spread, and time only runs forward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from artifact.errors import ConfigurationError


@dataclass(frozen=True)
class Fold:
    """Row numbers from 0: trained on, in the order in which fewer are taken; and judged by."""

    train: np.ndarray
    test: np.ndarray

    def with_rows(self, share: float) -> Fold:
        """This fold with the first `share` of the rows that it trains on."""
        return Fold(self.train[: max(1, round(len(self.train) * share))], self.test)


def by_time(units: np.ndarray, moments: np.ndarray, count: int) -> list[Fold]:
    """`count` folds, each judged by rows later than all that it trains on; fewer rows to train on are the latest.

    A moment stays in one part, and a row of a unit that is trained on judges nothing.
    """
    rank = np.unique(moments, return_inverse=True)[1]
    ordered = np.sort(rank)
    starts = [int(ordered[len(ordered) * part // (count + 1)]) for part in range(1, count + 1)]
    folds = []
    for part, (start, end) in enumerate(zip(starts, [*starts[1:], len(rank)], strict=True)):
        before = np.flatnonzero(rank < start)
        latest_first = before[np.argsort(-rank[before], kind="stable")]
        within = np.flatnonzero((rank >= start) & (rank < end))
        test = within[~np.isin(units[within], units[before])]
        if len(before) == 0 or len(test) == 0:
            raise ConfigurationError(
                f"params.yaml: train.tune.folds is {count}; part {part + 1} of the time holds no new row; use fewer"
            )
        folds.append(Fold(latest_first, test))
    return folds


def spread(units: np.ndarray, labels: np.ndarray | None, count: int, seed: int) -> list[Fold]:
    """`count` folds of as equal size as units allow, and of equal shares of each of `labels` ([rows]; None for a
    regression)."""
    groups = np.unique(units, return_inverse=True)[1]
    names, codes = np.unique(np.zeros(len(groups)) if labels is None else labels.astype(str), return_inverse=True)
    counts = np.zeros((groups.max() + 1, len(names)), dtype=np.int64)
    np.add.at(counts, (groups, codes), 1)
    home = counts.argmax(axis=1)  # a unit of several classes goes with the class that most of its rows have
    generator = np.random.default_rng(seed)
    fold, order = np.zeros(len(home), dtype=np.int64), np.zeros(len(home))
    offset = 0
    for code, name in enumerate(names):
        members = generator.permutation(np.flatnonzero(home == code))
        if len(members) < 2 or len(home) < count:
            raise ConfigurationError(
                f"params.yaml: train.tune.folds is {count}: the training part has {len(home)} distinct rows, "
                f"{len(members)} of {name}; use fewer folds, or more rows"
            )
        fold[members] = (np.arange(len(members)) + offset) % count
        # The first rows of a fold hold every class, in its share: what fewer rows are taken from.
        order[members] = (np.arange(len(members)) // count) / len(members)
        offset += len(members)
    rows = np.argsort(order[groups], kind="stable")
    return [Fold(rows[fold[groups][rows] != part], np.flatnonzero(fold[groups] == part)) for part in range(count)]
