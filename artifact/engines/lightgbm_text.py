"""LightGBM's own text of a booster, as far as it decides predictions: its header and its trees.

Without the line of the trees' lengths, by which LightGBM would jump, and without what follows the trees, which names
the threads and the files of the training. The form is that of LightGBM 4 (src/io/gbdt_model_text.cpp, src/io/tree.cpp).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact.engines.boosted_trees import BoostedTree, BoostedTrees

_END = "end of trees"
_LENGTHS = "tree_sizes="
_HEADER = {
    "version": "v4",
    **dict.fromkeys(("num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective"), None),
    **dict.fromkeys(("feature_names", "feature_infos", "monotone_constraints"), None),
}
_INNER = {"split_feature": int, "split_gain": float, "threshold": float, "decision_type": int, "left_child": int}
_INNER |= {"right_child": int, "internal_value": float, "internal_weight": float, "internal_count": int}
_LEAVES = {"leaf_value": float, "leaf_weight": float, "leaf_count": int}
_NUMBERS = ("num_leaves", "num_cat", "is_linear", "shrinkage")
_CATEGORICAL, _DEFAULT_LEFT = 1, 2  # bits of decision_type; the next two say what is missing
_NOTHING, _ZERO, _NAN = 0, 1, 2
_SMALL = float(np.float32(1e-35))  # LightGBM takes numbers up to this size for 0


def cut(text: str) -> str:
    """What is kept of `Booster.model_to_string()`."""
    lines = text.partition(f"\n{_END}")[0].splitlines()
    return "\n".join([*(line for line in lines if not line.startswith(_LENGTHS)), _END, ""])


def read(text: str) -> BoostedTrees:
    """The trees in `text`, which `cut` made; ValueError or KeyError for any other text."""
    if not text.endswith(f"\n{_END}\n"):
        raise ValueError("the text of the booster has no end")
    head, *blocks = text.removesuffix(f"\n{_END}\n").split("\n\nTree=")
    first, *lines = head.splitlines()
    averaged = "average_output" in lines
    header = dict(line.split("=", 1) for line in lines if line != "average_output")
    if first != "tree" or not header.keys() <= _HEADER.keys() or header["version"] != _HEADER["version"]:
        raise ValueError("the header of the booster is not LightGBM's")
    columns, outputs = int(header["max_feature_idx"]) + 1, int(header["num_tree_per_iteration"])
    if any(len(header[name].split()) != columns for name in ("feature_names", "feature_infos")):
        raise ValueError("the booster names other columns than it has")
    if outputs < 1 or len(blocks) % outputs or int(header["num_class"]) != outputs:
        raise ValueError("the booster has not the same number of trees for each class")
    parsed = [_tree(place, block, place % outputs) for place, block in enumerate(blocks)]
    booster = BoostedTrees(
        header["objective"],
        columns,
        outputs,
        np.zeros(outputs),
        tuple(tree for tree, _ in parsed),
        averaged,
        any(zero for _, zero in parsed),
    )
    booster.check()
    return booster


def _tree(place: int, block: str, output: int) -> tuple[BoostedTree, bool]:
    """The tree number `place`, and whether it takes 0 for a missing number."""
    number, *lines = block.rstrip("\n").splitlines()
    fields = dict(line.split("=", 1) for line in lines)
    if int(number) != place or fields.keys() != {*_INNER, *_LEAVES, *_NUMBERS}:
        raise ValueError(f"tree {place} has other lines than LightGBM writes")
    leaves = int(fields["num_leaves"])
    if leaves < 1 or fields["num_cat"] != "0" or fields["is_linear"] != "0":
        raise ValueError(f"tree {place} has categories or linear leaves, which are not served")
    inner = {name: _array(fields[name], kind, leaves - 1) for name, kind in _INNER.items()}
    # Of a tree that is one leaf, LightGBM writes its value alone.
    lengths = {name: leaves if leaves > 1 or name == "leaf_value" else len(fields[name].split()) for name in _LEAVES}
    outer = {name: _array(fields[name], kind, lengths[name]) for name, kind in _LEAVES.items()}
    kinds = inner["decision_type"]
    missing = kinds >> 2
    if not ((kinds >= 0) & (kinds & _CATEGORICAL == 0) & (missing <= _NAN)).all():
        raise ValueError(f"tree {place} decides in a way that is not LightGBM's")
    by_default = kinds & _DEFAULT_LEFT != 0
    # Where training saw nothing missing, a missing number is 0.
    left = np.where(missing == _NOTHING, inner["threshold"] >= 0.0, by_default)
    ways = [np.where(way >= 0, way, leaves - 2 - way) for way in (inner["left_child"], inner["right_child"])]
    tree = BoostedTree(
        column=_padded(inner["split_feature"], leaves, 0),
        threshold=_padded(_beside_zero(inner["threshold"]), leaves, 0.0),
        left=_padded(ways[0], leaves, -1),
        right=_padded(ways[1], leaves, -1),
        missing_left=_padded(left, leaves, False),
        leaf=np.arange(2 * leaves - 1) >= leaves - 1,
        value=np.concatenate([np.zeros(leaves - 1), outer["leaf_value"]]),
        output=output,
    )
    return tree, bool((missing == _ZERO).any())


def _array(text: str, kind: type, length: int) -> np.ndarray:
    values = np.array([kind(word) for word in text.split()], dtype=np.int64 if kind is int else np.float64)
    if values.shape != (length,) or np.isnan(values).any():  # a split between missing and all numbers is at infinity
        raise ValueError("an array of a tree has another length, or what is no number")
    return values


def _beside_zero(thresholds: np.ndarray) -> np.ndarray:
    """Thresholds that divide numbers as they are, as `thresholds` divides numbers of which the small ones are 0."""
    above = np.where((thresholds >= 0) & (thresholds < _SMALL), _SMALL, thresholds)
    return np.where((above < 0) & (above >= -_SMALL), np.nextafter(-_SMALL, -np.inf), above)


def _padded(values: np.ndarray, leaves: int, fill: Any) -> np.ndarray:
    return np.concatenate([values, np.full(leaves, fill, values.dtype)])
