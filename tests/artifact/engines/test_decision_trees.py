"""Trees in numpy: the leaves that a row reaches, added in the order of the trees, whatever rows are asked with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifact.engines.decision_trees import DecisionTrees
from artifact.engines.tree_tops import EXITS
from pipeline.engine import tree_tables
from pipeline.engine.trees import Tree, halves

ROOT = Path(__file__).parents[3]
COLUMNS = 5
ROWS = 1300  # more than are worked on at a time
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324]


def grown(random: np.random.Generator, leaves: int, targets: int = 2) -> Tree:
    """A tree of random splits, of which some are at the same thresholds, and missing numbers go either way."""
    left, right, waiting = [-1], [-1], [0]
    while len(left) < 2 * leaves - 1:
        node = waiting.pop(int(random.integers(len(waiting))))
        left[node], right[node] = len(left), len(left) + 1
        waiting += [left[node], right[node]]
        left, right = [*left, -1, -1], [*right, -1, -1]
    sides = np.array(left), np.array(right)
    size, leaf = len(left), sides[0] == -1
    thresholds = random.normal(size=size).round(1)
    value = np.where(leaf[:, None], random.normal(size=(size, targets)), 0.0)
    return Tree(
        random.integers(0, COLUMNS, size),
        np.where(random.random(size) < 0.05, np.inf, thresholds),
        *sides,
        random.random(size) < 0.5,
        leaf,
        halves(*sides, leaf),
        value,
    )


def walked(trees: list[Tree], row: np.ndarray, dtype: Any) -> np.ndarray:
    """What the leaves add up to, one tree after the other."""
    total = np.zeros(trees[0].value.shape[1], dtype)
    for tree in trees:
        node = 0
        while not tree.leaf[node]:
            number = row[tree.column[node]]
            goes_left = tree.missing_left[node] if np.isnan(number) else number <= tree.threshold[node]
            node = (tree.left if goes_left else tree.right)[node]
        total = total + tree.value[node].astype(dtype)
    return total


def rows_of(random: np.random.Generator) -> np.ndarray:
    """Rows on, beside and far from the thresholds; one in ten of their numbers is special."""
    numbers = np.where(random.random((ROWS, COLUMNS)) < 0.5, random.normal(size=(ROWS, COLUMNS)), 0).round(1)
    return np.where(random.random(numbers.shape) < 0.1, random.choice(SPECIAL, numbers.shape), numbers)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_to_the_bit(dtype: Any) -> None:
    """Trees of one leaf to ten times as many as a top has exits: the same sums."""
    random = np.random.default_rng(5)
    sizes = [1, 2, 3, EXITS - 1, EXITS, EXITS + 1, 10 * EXITS, *random.integers(2, 20, 50).tolist()]
    trees = [grown(random, leaves) for leaves in sizes]
    table = rows_of(random).astype(dtype)
    served = DecisionTrees(tree_tables.of(trees, dtype))
    together = served.sums(table)
    assert together.dtype == dtype
    some = [*range(0, ROWS, 13)]
    assert together[some].tolist() == [walked(trees, table[row], dtype).tolist() for row in some]
    for size in (2, 3, 100, 1025):
        assert served.sums(table[:size]).tobytes() == together[:size].tobytes(), "company changes no bit"
    whole = np.nan_to_num(table)
    for numbers in (whole, whole.clip(-3, 3).astype(np.float32).astype(dtype)):  # these are sorted in another way
        assert served.sums(numbers)[some].tolist() == [walked(trees, numbers[row], dtype).tolist() for row in some]


@pytest.mark.parametrize("exits", [1, 8, 9, 16, 17, 32, 33, EXITS])
def test_tops_of_any_size(exits: int) -> None:
    """A top may have any number of exits, and columns that no tree looks at change nothing."""
    random = np.random.default_rng(exits)
    trees = [grown(random, exits) for _ in range(3)]
    table = np.column_stack([rows_of(random), np.full(ROWS, np.nan)])
    sums = DecisionTrees(tree_tables.of(trees)).sums(table)
    some = range(0, ROWS, 10)
    assert sums[some].tolist() == [walked(trees, table[row], np.float64).tolist() for row in some]


def test_arrays_that_lead_nowhere() -> None:
    """A node that leads back, or beyond the last one, is refused: no walk is without an end."""
    arrays = tree_tables.of([grown(np.random.default_rng(1), 2 * EXITS)])
    for place, node in ((-1, 0), (0, len(arrays["first"]))):
        first = arrays["first"].copy()
        first[place] = node
        with pytest.raises(ValueError, match="leads to"):
            DecisionTrees({**arrays, "first": first})


def test_masks_of_no_tree() -> None:
    """Masks that are not those of a tree's sides, and more of them than a top has, are refused."""
    arrays = tree_tables.of([grown(np.random.default_rng(1), EXITS)])
    for place in (0, -1):
        masks = arrays["top_mask"].copy()
        masks[place] = ~np.uint64(0)
        with pytest.raises(ValueError, match="masks of a tree"):
            DecisionTrees({**arrays, "top_mask": masks})
    twice = {name: np.concatenate([array] * 2) for name, array in arrays.items() if name.startswith("top_")}
    with pytest.raises(ValueError, match="more than 64 exits"):
        DecisionTrees({**arrays, **twice})


def test_many_trees() -> None:
    """Of many trees fewer rows are worked on at a time, and each gets the same sum."""
    random = np.random.default_rng(2)
    trees = [grown(random, 3, targets=1) for _ in range(600)]
    table = rows_of(random)[:300]
    sums = DecisionTrees(tree_tables.of(trees)).sums(table)
    some = range(0, len(table), 20)
    assert sums[some].tolist() == [walked(trees, table[row], np.float64).tolist() for row in some]


def test_trees_are_loaded_without_masked_arrays(tmp_path: Path) -> None:
    """A cold start does not pay for numpy.ma, which numpy.unique imports."""
    np.savez(tmp_path / "trees.npz", **tree_tables.of([grown(np.random.default_rng(1), 9)]))
    code = (
        "import sys; import numpy as np; from artifact.engines.decision_trees import DecisionTrees; "
        "DecisionTrees(dict(np.load(sys.argv[1]))).sums(np.zeros((2, 5))); print('numpy.ma' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "trees.npz")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
