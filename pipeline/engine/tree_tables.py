"""The file of the engine `trees`: the graphs before and behind the trees, and the trees as the arrays that
`artifact.engines.decision_trees` looks up and walks through.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from artifact.engines import trees_runner
from artifact.engines.table import TREE_TABLES
from artifact.engines.tree_tops import EXITS
from artifact.signature import Signature
from pipeline.engine import conversion
from pipeline.engine.costs import Amounts, Cost
from pipeline.engine.graph import NoGraph
from pipeline.engine.trees import Tree

# Microseconds of what `amounts` counts, of a call and of a row (`python -m bench.engine_costs`).
PRICES = (83.9, 0.138, 8.68, 0.00689), (0.012, 0.0000521, 0.000879, 0.00211)
_ALL = (1 << EXITS) - 1


@dataclass
class _Tables:
    """The arrays so far: a list a column."""

    # column, threshold, whether a missing number goes left, tree, mask
    top: list[tuple[int, float, bool, int, int]] = field(default_factory=list)
    exits: list[list[int]] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    missing_left: list[bool] = field(default_factory=list)
    leaf: list[np.ndarray | None] = field(default_factory=list)  # what it adds; None for a node with children

    def node(self) -> int:
        """A new node: a leaf until it gets children."""
        self.first.append(len(self.first))
        self.column.append(0)
        self.threshold.append(np.nan)
        self.missing_left.append(False)
        self.leaf.append(None)
        return len(self.first) - 1


def write(model: bytes, fitted: Any, signature: Signature) -> Mapping[str, bytes]:
    """trees.npz for `fitted`, whose bytes are `model`; NoGraph says why there is none."""
    trees = conversion.trees_of(fitted)
    if not trees:
        raise NoGraph("the model has no trees")
    graph = conversion.graph_of(model, fitted, signature)
    before, behind, dtype = graph.around_trees(trees_runner.NUMBERS, trees_runner.SUMS)
    return {TREE_TABLES: trees_runner.to_bytes(before, behind, of(trees, dtype))}


def cost(fitted: Any) -> Cost | None:
    """What a call costs; None for a model without trees."""
    trees = conversion.trees_of(fitted)
    if not trees:
        return None
    return Cost.from_prices(PRICES, amounts(trees))


def amounts(trees: Sequence[Tree]) -> Amounts:
    """What the microseconds of a call and of a row depend on, in the order of `PRICES`.

    A call: itself, the columns that the tops look at, the levels that are walked below these, and the nodes of the
    tops. A row: those columns, those nodes, what leaves add, and the nodes on its way below the tops.
    """
    tops = [_top(tree) for tree in trees]
    columns = len({int(column) for tree, top in zip(trees, tops, strict=True) for column in tree.column[[*top]]})
    nodes = sum(map(len, tops))
    levels = max(tree.depth_below(top) for tree, top in zip(trees, tops, strict=True))
    below = sum(tree.path_below(top) for tree, top in zip(trees, tops, strict=True))
    targets = max(tree.first + tree.value.shape[1] for tree in trees)
    return (1, columns, levels, nodes), (columns, nodes, len(trees) * targets, below)


def of(trees: Sequence[Tree], dtype: Any = np.float64) -> dict[str, np.ndarray]:
    """The arrays of `trees`, whose leaves are added up in `dtype`. The same for equal trees."""
    tables, targets = _Tables(), max(tree.first + tree.value.shape[1] for tree in trees)
    for number, tree in enumerate(trees):
        _add(tables, number, tree, targets)
    leaves = np.array([np.zeros(targets) if leaf is None else leaf for leaf in tables.leaf])
    values, places = np.unique(leaves, axis=0, return_inverse=True)
    top = sorted(tables.top)
    return {
        "top_column": np.array([entry[0] for entry in top], np.int32),
        "top_threshold": np.array([entry[1] for entry in top], np.float64),
        "top_missing_left": np.array([entry[2] for entry in top], bool),
        "top_tree": np.array([entry[3] for entry in top], np.int32),
        "top_mask": np.array([entry[4] for entry in top], np.uint64),
        "exits": np.array(tables.exits, np.int32),
        "first": np.array(tables.first, np.int32),
        "column": np.array(tables.column, np.int32),
        "threshold": np.array(tables.threshold, np.float64),
        "missing_left": np.array(tables.missing_left, bool),
        "leaf": places.reshape(-1).astype(np.int32),
        "values": values.astype(dtype),
    }


def _add(tables: _Tables, number: int, tree: Tree, targets: int) -> None:
    top = _top(tree)
    exits: list[int] = []
    # Nodes of the top in the order of their exits, from left to right: a node is left once its left side is numbered.
    waiting: list[tuple[int, int | None]] = [(0, None)]
    while waiting:
        node, begin = waiting.pop()
        if begin is not None:  # its left side has the exits from `begin` on
            gone = ((1 << len(exits)) - 1) ^ ((1 << begin) - 1)
            missing_left = bool(tree.missing_left[node])
            tables.top.append((int(tree.column[node]), float(tree.threshold[node]), missing_left, number, _ALL ^ gone))
        elif node in top:
            waiting += [(int(tree.right[node]), None), (node, len(exits)), (int(tree.left[node]), None)]
        else:
            exits.append(_below(tables, tree, node, targets))
    tables.exits.append(exits + [exits[-1]] * (EXITS - len(exits)))


def _top(tree: Tree) -> set[int]:
    """The nodes with at most EXITS exits that most training rows come by."""
    top: set[int] = set()
    reachable = [] if tree.leaf[0] else [(-float(tree.count[0]), 0)]
    while reachable and len(top) < EXITS - 1:
        _, node = heapq.heappop(reachable)
        top.add(node)
        for child in (int(tree.left[node]), int(tree.right[node])):
            if not tree.leaf[child]:
                heapq.heappush(reachable, (-float(tree.count[child]), child))
    return top


def _below(tables: _Tables, tree: Tree, node: int, targets: int) -> int:
    """The new number of `node`, and nodes for all below it, each two children side by side."""
    begin = tables.node()
    waiting = [(node, begin)]
    while waiting:
        old, new = waiting.pop()
        if tree.leaf[old]:
            added = np.zeros(targets)
            added[tree.first : tree.first + tree.value.shape[1]] = tree.value[old]
            tables.leaf[new] = added
            continue
        tables.column[new], tables.threshold[new] = int(tree.column[old]), float(tree.threshold[old])
        tables.missing_left[new] = bool(tree.missing_left[old])
        tables.first[new] = tables.node()
        waiting += [(int(tree.right[old]), tables.first[new]), (int(tree.left[old]), tables.node())]
    return begin
