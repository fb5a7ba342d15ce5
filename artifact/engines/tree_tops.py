"""The tops of decision trees, for many rows at a time: by which exit each row leaves each top.

A set of rows is kept as bits, 64 of them in one number, so that one operation of the processor decides for many rows.
`artifact.engines.row_sets` tells for each threshold which rows are at or below it. From the root of each top down,
level by level and all trees at once, the rows that reach a node go left if they are in that set, and right if not. From
the sets of rows that reach each exit come the numbers of the exits, one binary digit at a time.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from artifact.engines.row_sets import WORD, RowSets

EXITS = 64  # of the top of a tree, at most
_NO_ROW, _EACH_ROW = 0, 1  # places in the sets of rows, before those of the nodes' children


class TreeTops:
    """The tops in the arrays of `artifact.engines.decision_trees.DecisionTrees`, for at most `most_rows` at a time."""

    def __init__(self, arrays: Mapping[str, np.ndarray], most_rows: int) -> None:
        column, threshold = arrays["top_column"], arrays["top_threshold"]
        # Sorted by column and threshold: nodes that share both share a limit.
        new_column = np.append(True, column[1:] != column[:-1])[: len(column)]
        new_limit = new_column | np.append(True, threshold[1:] != threshold[:-1])[: len(column)]
        self._columns = column[new_column].astype(np.intp)
        place = new_column.cumsum() - 1  # of a node's column, in `_columns`
        begins = np.searchsorted(place[new_limit], np.arange(len(self._columns) + 1))
        self._row_sets = RowSets(threshold[new_limit], begins, most_rows)
        order = self._descend(arrays)
        self._node_places = self._row_sets.places[(new_limit.cumsum() - 1)[order]]
        self._missing_left = np.flatnonzero(arrays["top_missing_left"][order])
        self._missing_columns = place[order][self._missing_left]

    def _descend(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """The nodes, level by level. Sets `_parents`, of each level the places of its nodes' sets of rows, and
        `_exits`, [exits, trees], those of the exits.

        The mask of a node lacks the exits on its left side. So the nodes of a tree sorted by the first of these, and
        the larger side first, have each left side behind its node, and behind that the right side.
        """
        tree, gone = arrays["top_tree"], ~arrays["top_mask"]
        first = np.bitwise_count((gone & (~gone + np.uint64(1))) - np.uint64(1)).astype(np.intp)
        middle = first + np.bitwise_count(gone)  # the first exit on the right side
        order = np.lexsort((-middle, first, tree))
        counts = np.bincount(tree, minlength=len(arrays["exits"]))
        if counts.max(initial=0) >= EXITS:
            raise ValueError(f"the top of a tree has more than {EXITS} exits")
        digits = int(counts.max(initial=0)).bit_length()
        self._exits = np.full((1 << digits, len(counts)), _NO_ROW)
        self._parents: list[np.ndarray] = []
        levels = [order[:0]]
        of_tree = np.flatnonzero(counts)
        at, begin, end = (counts.cumsum() - counts)[of_tree], np.zeros_like(of_tree), counts[of_tree] + 1
        place, sets = np.full(len(at), _EACH_ROW), _EACH_ROW + 1
        while len(at):
            node = order[at]
            split = middle[node]
            if ((first[node] != begin) | (split <= begin) | (split >= end) | (tree[node] != of_tree)).any():
                raise ValueError("the masks of a tree are not those of the sides of its nodes")
            self._parents.append(place)
            levels.append(node)
            place = np.arange(sets, sets + 2 * len(at))
            sets += len(place)
            at, of_tree = np.concatenate([at + 1, at + split - begin]), np.concatenate([of_tree, of_tree])
            begin, end = np.concatenate([begin, split]), np.concatenate([split, end])
            inner = end - begin > 1
            self._exits[begin[~inner], of_tree[~inner]] = place[~inner]
            at, of_tree, begin, end, place = at[inner], of_tree[inner], begin[inner], end[inner], place[inner]
        self._sets = sets
        return np.concatenate(levels)

    def exits(self, numbers: np.ndarray, gaps: bool) -> np.ndarray:
        """The number of the exit that each row of `numbers` leaves by: uint8, [trees, rows].

        `gaps`: some of the numbers may be missing.
        """
        left = self._left(numbers, gaps)
        reached = np.empty((self._sets, left.shape[1]), np.uint64)
        reached[_NO_ROW], reached[_EACH_ROW] = 0, ~np.uint64(0)
        begin, end = 0, _EACH_ROW + 1
        for parents in self._parents:
            count = len(parents)
            rows, to_left = reached.take(parents, axis=0), reached[end : end + count]
            np.bitwise_and(rows, left[begin : begin + count], out=to_left)
            np.bitwise_xor(rows, to_left, out=reached[end + count : end + 2 * count])
            begin, end = begin + count, end + 2 * count
        return _numbers(reached.take(self._exits, axis=0))[:, : len(numbers)]

    def _left(self, numbers: np.ndarray, gaps: bool) -> np.ndarray:
        """The rows that would go left at each node, level by level: [nodes, words]."""
        below, missing = self._row_sets.below(numbers.T[self._columns], gaps)
        left: np.ndarray = below.take(self._node_places, axis=0)
        if gaps:
            left[self._missing_left] |= missing[self._missing_columns]
        return left


def _numbers(reached: np.ndarray) -> np.ndarray:
    """The exit that each row reaches, uint8 of [trees, rows], from the rows that reach each: [exits, trees, words],
    which are overwritten.
    """
    exits, trees, words = reached.shape
    number = np.zeros(trees * words * WORD, np.uint8)
    while exits > 1:
        exits //= 2
        digit = np.bitwise_or.reduce(reached[exits:], axis=0)  # of the exits of the upper half it is 1
        number += number
        number |= np.unpackbits(digit.view(np.uint8).reshape(-1), bitorder="little")
        reached = np.bitwise_or(reached[:exits], reached[exits:], out=reached[:exits])
    return number.reshape(trees, words * WORD)
