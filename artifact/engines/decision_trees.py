"""Decision trees in numpy, many rows at a time: what the leaves add up to, in the order of the trees and to the bit.

The top of each tree, as far as 64 exits, is decided for many rows at once (`artifact.engines.tree_tops`). Below the
exits rows walk down level by level, all trees at once; those that have reached a leaf are taken out.

A number that is missing goes the way that the node says.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from artifact.engines.leaf_sums import LeafSums
from artifact.engines.tree_tops import EXITS, TreeTops

# Rows at a time: what is known of each row and tree stays in the processor's cache, and a call has no more parts than
# that takes.
_MOST_ROWS, _LEAST_ROWS = 1024, 256
_PAIRS = 1 << 17  # of a row and a tree


class DecisionTrees:
    """The trees in these arrays, as `pipeline.engine.tree_tables` writes them.

    `top_column`, `top_threshold`, `top_missing_left`, `top_tree`, `top_mask`: the nodes of the tops, sorted by column
    and threshold; a mask has a bit for each exit but those that are on the left side of its node. `exits`,
    [trees, EXITS]: the node behind each exit. Of each node: `first`, its right child, behind which stands the left one,
    or itself for a leaf; `column`, `threshold` (NaN for a leaf) and `missing_left`; `leaf`, its row in `values`,
    [distinct leaves, targets], which is what leaves add.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        first, leaf, values = arrays["first"].astype(np.intp), arrays["leaf"], arrays["values"]
        nodes = np.arange(len(first))
        # What leads to a later node always comes to an end, whatever these bytes are.
        if (first < nodes).any() or first.max(initial=0) >= len(nodes):
            raise ValueError("a node of a tree leads to an earlier one, or to none")
        inner = np.flatnonzero(first > nodes)
        # A leaf is named by its place in `values`, counted from the end: less than 0. A node with children is named by
        # the place of its right child in `_children`, behind which stands the left one.
        names = leaf.astype(np.intp) - len(values)
        names[inner] = np.arange(0, 2 * len(inner), 2)
        self._children = names[first[inner, None] + [0, 1]].reshape(-1)
        self._column, self._threshold, self._missing_left = (
            np.repeat(arrays[name][inner], 2) for name in ("column", "threshold", "missing_left")
        )
        self._column = self._column.astype(np.intp)
        self._exits = names[arrays["exits"]].reshape(-1)
        trees = len(arrays["exits"])
        self._exit_begins = np.arange(trees)[:, None] * EXITS
        self._rows = min(max(_PAIRS // trees, _LEAST_ROWS), _MOST_ROWS)
        self._tops = TreeTops(arrays, self._rows)
        self._targets, self._dtype = values.shape[1], values.dtype
        self._has_lower_nodes = bool((self._exits >= 0).any())  # than those of the tops
        # Where each exit is a leaf, what it adds is looked up by the exit.
        self._leaf_sums = LeafSums(values if self._has_lower_nodes else values.take(self._exits, axis=0), trees)

    def sums(self, numbers: np.ndarray) -> np.ndarray:
        """The sums of the leaves that each of `numbers` reaches: [rows, targets], of the type that `values` has.

        `numbers`: float64 or float32, [rows, columns], in C order, and of at least two rows.
        """
        gaps = bool(np.isnan(numbers).any())
        total = np.empty((self._targets, len(numbers)), self._dtype)
        parts = -(-len(numbers) // self._rows)
        for part in range(parts):  # all nearly as long: numpy adds up those of one row in another order
            rows = slice(len(numbers) * part // parts, len(numbers) * (part + 1) // parts)
            exits = self._tops.exits(numbers[rows], gaps).astype(np.intp)
            exits += self._exit_begins
            leaves = self._leaves_below(exits, numbers[rows], gaps) if self._has_lower_nodes else exits
            self._leaf_sums.into(total[:, rows], leaves)
        return np.ascontiguousarray(total.T)

    def _leaves_below(self, exits: np.ndarray, numbers: np.ndarray, gaps: bool) -> np.ndarray:
        """The leaves that the rows of `numbers` reach below `exits`: [trees, rows].

        `gaps`: some of the numbers may be missing.
        """
        nodes: np.ndarray = self._exits.take(exits)
        flat, values = nodes.reshape(-1), numbers.reshape(-1)
        rows, columns = numbers.shape
        walking = np.flatnonzero(flat >= 0)
        at = flat.take(walking)
        begins = (walking - walking // rows * rows) * columns
        while len(walking):
            compared = values.take(begins + self._column.take(at))
            left = compared <= self._threshold.take(at)
            if gaps:
                left |= np.isnan(compared) & self._missing_left.take(at)
            at = self._children.take(at + left)
            flat[walking] = at
            further = np.flatnonzero(at >= 0)
            walking, at, begins = walking.take(further), at.take(further), begins.take(further)
        return nodes
