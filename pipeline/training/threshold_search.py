"""A search for the thresholds of several classes or labels: coordinate ascent over a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from artifact.decision import Decision

HALF = 0.5  # where the search begins, and what a label has that nobody tunes
_GRID = (np.arange(1, 20) / 20).tolist()


def best(count: int, sweeps: int, score: Callable[[Sequence[float]], float]) -> Decision:
    """The `count` thresholds with the highest `score` that `sweeps` passes find, each pass one threshold at a time.

    Of thresholds with equal scores the one from the pass before stays, then the lowest of the grid.
    """
    thresholds = [HALF] * count
    for _ in range(sweeps):
        for index in range(count):

            def with_threshold(threshold: float, index: int = index) -> float:
                return score([*thresholds[:index], threshold, *thresholds[index + 1 :]])

            thresholds[index] = max([thresholds[index], *_GRID], key=with_threshold)
    return Decision(tuple(thresholds))
