"""The trees of a booster of LightGBM or XGBoost, as arrays; checked, because the libraries' own readers trust them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BoostedTree:
    """Arrays of [nodes]; node 0 is the root. A `leaf` adds `value`; any other node sends `column` <= `threshold` to
    `left` and the rest to `right`; a missing number goes where `missing_left` says. Leaves have -1 for children.
    """

    column: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    leaf: np.ndarray
    value: np.ndarray
    output: int

    def check(self, columns: int, outputs: int) -> None:
        """ValueError unless every row of so many columns reaches a leaf, and that one of the outputs."""
        inner = np.flatnonzero(~self.leaf)
        children = np.concatenate([self.left[inner], self.right[inner]])
        # Whoever is the child of one node at most, where the root is no child, is in no circle with the root.
        if (
            not len(self.leaf)
            or not 0 <= self.output < outputs
            or not ((children > 0) & (children < len(self.leaf))).all()
            or len(np.unique(children)) != len(children)
            or not ((self.column[inner] >= 0) & (self.column[inner] < columns)).all()
        ):
            raise ValueError("a tree has a child, a column or an output that is not there")


@dataclass(frozen=True)
class BoostedTrees:
    """A booster of `columns` inputs: each of its `outputs` is `base` and the sum of what its trees add.

    `objective` is the library's own name of the loss. `averaged`: the mean of the trees counts, not their sum.
    `zero_missing`: some tree takes 0 for a missing number.
    """

    objective: str
    columns: int
    outputs: int
    base: np.ndarray
    trees: tuple[BoostedTree, ...]
    averaged: bool = False
    zero_missing: bool = False

    def check(self) -> None:
        """ValueError where the trees are not those of so many columns and outputs."""
        if self.outputs < 1 or self.columns < 1 or self.base.shape != (self.outputs,):
            raise ValueError("the booster has no columns or no outputs")
        for tree in self.trees:
            tree.check(self.columns, self.outputs)
