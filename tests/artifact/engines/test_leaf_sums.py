"""Sums of leaves: to the bit those of adding one after the other, also where the leaves are counted instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from artifact.engines.leaf_sums import LeafSums

TREES, ROWS = 90, 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("targets", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("pure", [True, False])
def test_sums_are_those_of_adding(dtype: Any, targets: int, pure: bool) -> None:
    """Leaves that add the same to their target, or anything to any: the bits of adding in the order of the trees."""
    random = np.random.default_rng(targets)
    values = np.diag(random.normal(size=targets)) if pure else random.normal(size=(7, targets))
    values = np.vstack([values, np.full(targets, -0.0)]).astype(dtype)
    values[:-1, -1] = -0.0  # nothing is ever added to the last target
    leaves = random.integers(-len(values), 0, (TREES, ROWS))
    sums = np.full((targets, ROWS), np.nan, dtype)
    LeafSums(values, TREES).into(sums, leaves)
    total = np.zeros((ROWS, targets), dtype)
    for tree in leaves:
        total = total + values[tree]
    assert sums.T.tobytes() == total.tobytes()


def test_more_trees_than_a_count_has_room_for() -> None:
    """Leaves of 65,536 trees are added, not counted: the count would begin again at 0."""
    trees = 1 << 16
    sums = np.empty((1, ROWS))
    LeafSums(np.ones((1, 1)), trees).into(sums, np.full((trees, ROWS), -1))
    assert sums.tolist() == [[trees] * ROWS]
