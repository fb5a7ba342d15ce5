"""Decision trees as one operator of an ONNX graph: float64 thresholds and leaves, added in the order of the trees."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from onnx import TensorProto, helper

from pipeline.engine.graph import TREES, Graph, NoGraph

_MOST = 4_000_000  # nodes and leaves in a graph: about 200 MB of it


@dataclass(frozen=True)
class Tree:
    """A fitted tree: arrays of [nodes], and `value`, [nodes, targets], what a leaf adds to each target from `first` on.

    `column` <= `threshold` goes to the node `left`, others to `right`; a missing number goes where `missing_left` says.
    `count`: the training rows that came by.
    """

    column: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    leaf: np.ndarray
    count: np.ndarray
    value: np.ndarray
    first: int = 0

    @property
    def copies(self) -> int:
        """How often ONNX needs the tree, whose leaf has one target: as often as a leaf adds to several."""
        return max(1, int((self.value[self.leaf] != 0).sum(axis=1).max()))

    def path_below(self, top: Collection[int]) -> float:
        """How many nodes a training row comes by on the mean that are not in `top`; its leaf is not counted."""
        return float((self.count[~self.leaf].sum() - self.count[[*top]].sum()) / self.count[0])

    def depth_below(self, top: Collection[int]) -> int:
        """How many nodes the longest way has below the nodes `top`, which have children; its leaf is not counted."""
        further = ~self.leaf
        further[[*top]] = False
        depth, level = 0, self._children([*top], further)
        while len(level):
            depth, level = depth + 1, self._children(level, further)
        return depth

    def _children(self, nodes: Sequence[int] | np.ndarray, which: np.ndarray) -> np.ndarray:
        """The children of `nodes` that are in `which`, [nodes] of bool."""
        below = np.concatenate((self.left[nodes], self.right[nodes]))
        children: np.ndarray = below[which[below]]
        return children

    @classmethod
    def of(cls, estimator: Any, first: int = 0, factor: float = 1.0) -> Self:
        """A fitted scikit-learn tree; `factor` is what its leaves are multiplied by."""
        nodes = estimator.tree_.__getstate__()["nodes"]
        value = estimator.tree_.value  # [nodes, targets, classes]
        return cls(
            nodes["feature"],
            nodes["threshold"],
            nodes["left_child"],
            nodes["right_child"],
            nodes["missing_go_to_left"].astype(bool),
            nodes["left_child"] == -1,
            nodes["weighted_n_node_samples"],
            value.reshape(len(value), -1) * factor,
            first,
        )

    @classmethod
    def of_histogram(cls, nodes: np.ndarray, first: int) -> Self:
        """A tree of histogram gradient boosting, from the array of its nodes."""
        if nodes["is_categorical"].any():
            raise NoGraph("histogram gradient boosting on categories")
        return cls(
            nodes["feature_idx"],
            nodes["num_threshold"],
            nodes["left"],
            nodes["right"],
            nodes["missing_go_to_left"].astype(bool),
            nodes["is_leaf"].astype(bool),
            nodes["count"],
            nodes["value"][:, None],
            first,
        )


def halves(left: np.ndarray, right: np.ndarray, leaf: np.ndarray) -> np.ndarray:
    """Stands for counts that a library does not keep, [nodes]: each node sends half of its rows to either side."""
    counts = np.ones(len(leaf))
    level = np.flatnonzero(~leaf[:1])
    while len(level):
        below = np.concatenate((left[level], right[level]))
        counts[below] = np.tile(counts[level] / 2, 2)
        level = below[~leaf[below]]
    return counts


def add(graph: Graph, numbers: str, trees: Sequence[Tree], targets: int, narrow: bool = False) -> str:
    """The sums of the leaves that each row of `numbers` reaches, [rows, targets]: in float64, or `narrow`, float32."""
    if sum(len(tree.column) * tree.copies for tree in trees) > _MOST:
        raise NoGraph(f"trees of more than {_MOST:,} nodes (counted once for each class that a leaf mixes)")
    parts: dict[str, list[np.ndarray]] = {}
    roots, inner, outer = [], 0, 0  # nodes with branches, and leaves, so far
    for tree in trees:
        # A leaf alone is no tree to ONNX: a node stands before it, whose branches both lead there.
        alone = len(tree.leaf) == 1
        branching = np.zeros(1, np.int64) if alone else np.flatnonzero(~tree.leaf)
        leaves = tree.value[tree.leaf]
        order = np.argsort(leaves == 0, axis=1, kind="stable")  # of each leaf, the targets that it adds to come first
        for copy in range(tree.copies):
            target = order[:, copy]
            numbered = np.where(tree.leaf, outer + np.cumsum(tree.leaf), inner + np.cumsum(~tree.leaf)) - 1
            left, right = (np.zeros(1, np.int64) if alone else way[branching] for way in (tree.left, tree.right))
            for name, values in (
                ("nodes_featureids", np.zeros(1, np.int64) if alone else tree.column[branching]),
                ("nodes_splits", np.zeros(1) if alone else tree.threshold[branching]),
                ("nodes_modes", np.zeros(len(branching), np.uint8)),  # x <= threshold
                ("nodes_missing_value_tracks_true", tree.missing_left[branching]),
                ("nodes_truenodeids", numbered[left]),
                ("nodes_trueleafs", tree.leaf[left]),
                ("nodes_falsenodeids", numbered[right]),
                ("nodes_falseleafs", tree.leaf[right]),
                ("leaf_targetids", tree.first + target),
                ("leaf_weights", leaves[np.arange(len(leaves)), target]),
            ):
                parts.setdefault(name, []).append(values)
            roots.append(inner)
            inner, outer = inner + len(branching), outer + int(tree.leaf.sum())
    number = TensorProto.FLOAT if narrow else TensorProto.DOUBLE
    kinds = {"nodes_splits": number, "leaf_weights": number, "nodes_modes": TensorProto.UINT8}
    attributes: dict[str, Any] = {"tree_roots": roots, "n_targets": targets, "aggregate_function": 1}  # 1: their sum
    for name, each in parts.items():
        values = np.concatenate(each)
        if name in kinds:
            attributes[name] = helper.make_tensor(name, kinds[name], [len(values)], values.tolist())
        else:
            attributes[name] = values.astype(np.int64).tolist()
    return graph.add("TreeEnsemble", numbers, domain=TREES, post_transform=0, **attributes)
