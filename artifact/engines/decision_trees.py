"""Decision trees in numpy, many rows at a time: what the leaves add up to, in the order of the trees and to the bit.

The top of each tree, as far as 64 exits, is looked up (as QuickScorer does it: Lucchese et al., SIGIR 2015). Each node
there has a mask of the exits that are left when a row goes right at it. Of one column, the nodes of all trees are
sorted by threshold; a row goes right at those whose threshold is less than its number, and a table has the AND of their
masks by how many those are. The AND over all columns leaves the row's exit as the lowest bit. Below the exits rows walk
down level by level, all trees at once; those that have reached a leaf are taken out.

A number that is missing goes the way that the node says: it has a mask of its own behind those of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

EXITS = 64  # of the top of a tree: the bits of a mask
# Trees that share their tables, which so stay in the processor's cache, and grow with the trees, not with their square.
GROUP = 50
_MASKS = (np.uint8, np.uint16, np.uint32, np.uint64)
_ROWS = 512  # at a time
_SORTED = 128  # rows from which sorting them first makes their ranks cheaper


@dataclass(frozen=True)
class Group:
    """Some of the trees, from tree `begin` to `end`. `tables`: a column, its thresholds in ascending order, and the
    masks [thresholds + 2, trees] by how many thresholds are less than the number; the last is for a missing one.
    `exits`: the nodes behind them, flat, EXITS a tree.
    """

    begin: int
    end: int
    tables: list[tuple[int, np.ndarray, np.ndarray]]
    exits: np.ndarray


class DecisionTrees:
    """The trees in these arrays, as `pipeline.engine.tree_tables` writes them.

    `top_column`, `top_threshold`, `top_missing_left`, `top_tree`, `top_mask`: the nodes of the tops, sorted by column
    and threshold. `exits`, [trees, EXITS]: the node behind each exit. Of each node: `first`, its right child, behind
    which stands the left one, or itself for a leaf; `column`, `threshold` (NaN for a leaf) and `missing_left`; `leaf`,
    its row in `values`, [distinct leaves, targets], which is what leaves add.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._first, self._column, self._leaf = (arrays[name].astype(np.intp) for name in ("first", "column", "leaf"))
        self._threshold, self._missing_left = arrays["threshold"], arrays["missing_left"]
        self._values = arrays["values"]
        nodes = np.arange(len(self._first))
        # What leads to a later node always comes to an end, whatever these bytes are.
        if (self._first < nodes).any() or self._first.max(initial=0) >= len(nodes):
            raise ValueError("a node of a tree leads to an earlier one, or to none")
        self._inner = self._first > nodes
        self._exits = arrays["exits"].astype(np.intp)
        count = len(self._exits)
        self._sorted = np.array(_distinct(arrays["top_column"]), np.intp)  # the columns that some top looks at
        self._groups = [self._group(arrays, begin, min(begin + GROUP, count)) for begin in range(0, count, GROUP)]

    def _group(self, arrays: Mapping[str, np.ndarray], begin: int, end: int) -> Group:
        tree, column = arrays["top_tree"], arrays["top_column"]
        of_group = (tree >= begin) & (tree < end)
        # A tree has an exit more than nodes in its top. Short masks are looked up and combined in less time.
        exits = np.bincount(tree[of_group], minlength=1).max() + 1
        kind = next(kind for kind in _MASKS if exits <= np.iinfo(kind).bits)
        top_mask = arrays["top_mask"].astype(kind)
        tables = []
        for number in _distinct(column[of_group]):
            places = np.flatnonzero(of_group & (column == number))
            masks = np.full((len(places) + 2, end - begin), ~kind(0))
            masks[np.arange(1, len(places) + 1), tree[places] - begin] = top_mask[places]
            np.bitwise_and.accumulate(masks[:-1], axis=0, out=masks[:-1])
            right = places[~arrays["top_missing_left"][places]]
            np.bitwise_and.at(masks[-1], tree[right] - begin, top_mask[right])
            tables.append((number, arrays["top_threshold"][places], masks))
        return Group(begin, end, tables, self._exits[begin:end])

    def sums(self, numbers: np.ndarray) -> np.ndarray:
        """The sums of the leaves that each of `numbers` reaches: [rows, targets], of the type that `values` has.

        `numbers`: float64 or float32, [rows, columns], in C order, and of at least two rows.
        """
        missing = np.isnan(numbers)
        gaps = missing if missing.any() else None
        total = np.zeros((len(numbers), self._values.shape[1]), self._values.dtype)
        order: dict[int, np.ndarray] = {}
        if len(numbers) >= _SORTED:
            order = dict(zip(self._sorted.tolist(), numbers.T[self._sorted].argsort(axis=1), strict=True))
        for group in self._groups:
            ranks = [_ranks(limits, numbers[:, column], order.get(column)) for column, limits, _ in group.tables]
            if gaps is not None:
                for (column, limits, _), rank in zip(group.tables, ranks, strict=True):
                    rank[gaps[:, column]] = len(limits) + 1
            for start in range(0, len(numbers), _ROWS):
                part = slice(start, start + _ROWS)
                nodes = self._exited(group, [rank[part] for rank in ranks], len(total[part]))
                self._walk(nodes, numbers[part], gaps is not None)
                added = self._values.take(self._leaf.take(nodes).T, axis=0)  # [trees, rows, targets]
                added[0] += total[part]
                # Along the first axis numpy adds one after the other; along the last it would not.
                np.add.reduce(added, axis=0, out=total[part])
        return total

    def _exited(self, group: Group, ranks: list[np.ndarray], rows: int) -> np.ndarray:
        """The nodes behind the exits of the tops, [rows, trees]."""
        kind = group.tables[0][2].dtype.type if group.tables else np.uint64
        left = np.full((rows, group.end - group.begin), ~kind(0))
        masks = np.empty_like(left)
        for (_, _, table), rank in zip(group.tables, ranks, strict=True):
            table.take(rank, axis=0, out=masks, mode="clip")
            np.bitwise_and(left, masks, out=left)
        # The bits below the lowest one that is left, counted.
        np.subtract(left, kind(1), out=masks)
        np.bitwise_and(masks, ~left, out=masks)
        exits = np.bitwise_count(masks) + np.arange(group.end - group.begin) * EXITS
        nodes: np.ndarray = group.exits.take(exits)
        return nodes

    def _walk(self, nodes: np.ndarray, numbers: np.ndarray, gaps: bool) -> None:
        """Replace `nodes`, [rows, trees], by the leaves that the rows of `numbers` reach below them.

        `gaps`: some of the numbers may be missing.
        """
        flat, values = nodes.reshape(-1), numbers.reshape(-1)
        walking = np.flatnonzero(self._inner.take(flat))
        at = flat.take(walking)
        begins = walking // nodes.shape[1] * numbers.shape[1]
        while len(walking):
            compared = values.take(begins + self._column.take(at))
            left = compared <= self._threshold.take(at)
            if gaps:
                left |= np.isnan(compared) & self._missing_left.take(at)
            at = self._first.take(at)
            at += left
            flat[walking] = at
            further = np.flatnonzero(self._inner.take(at))
            walking, at, begins = walking.take(further), at.take(further), begins.take(further)


def _distinct(numbers: np.ndarray) -> list[int]:
    """In ascending order. numpy.unique would import numpy.ma, which takes 5 ms of a cold start."""
    return sorted(set(numbers.tolist()))


def _ranks(limits: np.ndarray, numbers: np.ndarray, order: np.ndarray | None) -> np.ndarray:
    """How many of `limits` are less than each number, all of them for one that is missing; `order` sorts `numbers`."""
    if order is None:
        return limits.searchsorted(numbers)
    ascending = numbers.take(order)
    # Where each limit stands among the numbers: there are fewer limits, and a missing number stands behind all of them.
    greater = np.bincount(ascending.searchsorted(limits, side="right"), minlength=len(numbers))
    ranks = np.empty(len(numbers), np.intp)
    ranks[order] = greater[: len(numbers)].cumsum()
    return ranks
