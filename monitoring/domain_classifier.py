"""A classifier that tries to tell live rows from reference rows: it also sees a new relation between features.

The classifier is cross-validated: each row is scored by a model that was trained without it. A fold has whole blocks of
time, so that the rows of one request, or of one client's burst, are never on both sides. The area under the ROC curve
is the chance that a live row scores above a reference row: 0.5 where nothing differs. Its variance counts a block as
one observation (Obuchowski, Nonparametric Analysis of Clustered ROC Curve Data, Biometrics 1997). It alarms only when
the lower bound at 99.5 % is over 0.6, so a difference that is real and small raises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

LEAST_AUC = 0.6
LEAST_BLOCKS = 20  # of live rows
_FOLDS = 5
_BLOCKS = 50
_MOST_ROWS = 2500  # of each side
_LEVEL = 0.995


@dataclass(frozen=True)
class Domain:
    """`auc` and its `lower` bound. `shares`: how much of the difference each feature carries, adding up to 1.

    A share is the area that is lost when the feature's values are shuffled. Features that say the same divide theirs.
    """

    auc: float
    lower: float
    shares: Mapping[str, float]

    @property
    def alarms(self) -> bool:
        """Whether the rows differ by more than is tolerated, and not by chance."""
        return self.lower > LEAST_AUC


def tell_apart(
    names: list[str], categorical: list[bool], reference: np.ndarray, live: np.ndarray, requests: np.ndarray
) -> Domain | None:
    """Compare `reference` with `live`, [rows, features] each, NaN for missing; None where either has too few rows.

    Categories are small whole numbers. `requests`: which request each live row is of, [live rows], in order of time.
    """
    random = np.random.default_rng(0)
    reference = reference[np.sort(random.permutation(len(reference))[:_MOST_ROWS])]
    blocks = _blocks(requests)
    sample = np.sort(random.permutation(len(live))[:_MOST_ROWS])
    live, blocks = live[sample], blocks[sample]
    if len(np.unique(blocks)) < LEAST_BLOCKS or len(reference) < LEAST_BLOCKS:
        return None
    rows = np.concatenate([reference, live])
    is_live = np.repeat([0, 1], [len(reference), len(live)])
    groups = np.concatenate([-1 - np.arange(len(reference)), blocks])  # each row of the reference stands alone
    from scipy.stats import t  # here, so that --help loads no scipy

    areas, variances, lost = [], [], np.zeros(len(names))
    for model, place in _fitted(rows, is_live, groups, categorical):
        area, variance = _area(model.predict_proba(rows[place])[:, 1], is_live[place], groups[place])
        areas.append(area)
        variances.append(variance)
        for column in range(len(names)):
            shuffled = rows[place].copy()
            shuffled[:, column] = random.permutation(shuffled[:, column])
            lost[column] += area - _area(model.predict_proba(shuffled)[:, 1], is_live[place], groups[place])[0]
    auc, error = float(np.mean(areas)), float(np.sqrt(np.sum(variances))) / len(areas)
    lost = np.maximum(lost, 0.0)
    shares = lost / lost.sum() if lost.any() else lost
    bound = auc - float(t.ppf(_LEVEL, len(np.unique(blocks)) - 1)) * error
    return Domain(auc, bound, dict(zip(names, shares.tolist(), strict=True)))


def _blocks(requests: np.ndarray) -> np.ndarray:
    """The block of time of each row: blocks of about equal size; a request is in that of its first row."""
    _, first, place = np.unique(requests, return_index=True, return_inverse=True)
    return np.asarray((first * _BLOCKS // max(1, len(requests)))[place])


def _fitted(rows: np.ndarray, is_live: np.ndarray, groups: np.ndarray, categorical: list[bool]) -> Any:
    """For each fold a model that was trained on the others, and the indexes of the fold's rows."""
    # Imported here: what reads counters alone starts a second faster.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    for train, test in StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0).split(rows, is_live, groups):
        model = HistGradientBoostingClassifier(
            max_iter=30,
            max_leaf_nodes=15,
            min_samples_leaf=10,
            l2_regularization=1.0,
            early_stopping=False,
            categorical_features=categorical,
            class_weight="balanced",
            random_state=0,
        )
        yield model.fit(rows[train], is_live[train]), test


def _area(scores: np.ndarray, is_live: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """The area under the ROC curve and its variance, with each group of live rows as one observation."""
    from scipy.stats import rankdata

    live, other = scores[is_live == 1], scores[is_live == 0]
    ranks = rankdata(scores)
    above = (ranks[is_live == 1] - rankdata(live)) / len(other)  # share of the reference below each live row
    below = 1 - (ranks[is_live == 0] - rankdata(other)) / len(live)
    area = float(above.mean())
    _, place = np.unique(groups[is_live == 1], return_inverse=True)
    sums = np.bincount(place, above - area)
    count = len(sums)
    clustered = count / max(1, count - 1) * float(sums @ sums) / len(live) ** 2
    return area, clustered + float(below.var(ddof=1)) / len(other)
