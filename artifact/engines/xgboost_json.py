"""XGBoost's own JSON of a booster of trees (https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from artifact.engines.boosted_trees import BoostedTree, BoostedTrees

_NO_PARENT = 2**31 - 1
_CATEGORIES = ("categories", "categories_nodes", "categories_segments", "categories_sizes")


def _identity(margins: np.ndarray) -> np.ndarray:
    return margins


def sigmoid(margins: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-margins)), without an overflow."""
    small = np.exp(-np.abs(margins))
    return np.asarray(np.where(margins >= 0, 1.0, small) / (1.0 + small))


def softmax(margins: np.ndarray) -> np.ndarray:
    """exp(margins) as shares of each row, [rows, classes]."""
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


# What a margin goes through, by objective; `base_score` is on the scale of the answer.
LINKS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    **dict.fromkeys(("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror"), _identity),
    **dict.fromkeys(("reg:absoluteerror", "reg:quantileerror"), _identity),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie"), np.exp),
    **dict.fromkeys(("binary:logistic", "reg:logistic"), sigmoid),
    "multi:softprob": softmax,
}


def read(text: str) -> BoostedTrees:
    """The trees in `text`, which `Booster.save_raw("json")` wrote; ValueError, KeyError or TypeError for any other."""
    learner = json.loads(text)["learner"]
    objective, described = learner["objective"]["name"], learner["learner_model_param"]
    booster = learner["gradient_booster"]
    if booster.get("name") != "gbtree" or objective not in LINKS:
        raise ValueError(
            f"a booster {booster.get('name')!r:.40} with the objective {objective!r:.40} is not served; use gbtree, "
            f"and one of {', '.join(LINKS)}"
        )
    columns, outputs = int(described["num_feature"]), max(int(described["num_class"]), 1)
    model = booster["model"]
    count, places = int(model["gbtree_model_param"]["num_trees"]), model["tree_info"]
    if described["num_target"] != "1" or len(model["trees"]) != count or len(places) != count or _has_categories(model):
        raise ValueError("the booster has several targets, categories, or not as many trees as it says")
    base = np.broadcast_to(_margin(objective, json.loads(described["base_score"].lower())), outputs)
    trees = tuple(_tree(tree, columns, place) for tree, place in zip(model["trees"], places, strict=True))
    ensemble = BoostedTrees(objective, columns, outputs, base, trees)
    ensemble.check()
    return ensemble


def _has_categories(model: Mapping[str, Any]) -> bool:
    return any(len(values) > 0 for values in model.get("cats", {}).values())


def _margin(objective: str, score: Any) -> np.ndarray:
    """base_score as a margin: a float32, as XGBoost computes it, by a logarithm that is right to the last bit."""
    base = np.atleast_1d(np.asarray(score, dtype=np.float32))
    link = LINKS[objective]
    if link is sigmoid:
        base = -np.log((np.float32(1.0) / base - np.float32(1.0)).astype(np.float64))
    elif link is np.exp:
        base = np.log(base.astype(np.float64))
    return np.asarray(base.astype(np.float32), dtype=np.float64)


def _tree(tree: Mapping[str, Any], columns: int, output: Any) -> BoostedTree:
    described = tree["tree_param"]
    nodes = int(described["num_nodes"])
    left, right, parents, column = (
        _array(tree[name], np.int64, nodes) for name in ("left_children", "right_children", "parents", "split_indices")
    )
    numbers, covers = (_array(tree[name], np.float32, nodes) for name in ("split_conditions", "sum_hessian"))
    default, kinds = (_array(tree[name], np.int64, nodes) for name in ("default_left", "split_type"))
    leaf = left == -1
    expected = np.full(nodes, _NO_PARENT)
    inner = np.flatnonzero(~leaf)
    for way in (left, right):
        if ((way[inner] < 1) | (way[inner] >= nodes)).any() or (way[leaf] != -1).any():
            raise ValueError("a tree has a child that is not there")
        expected[way[inner]] = inner
    if (
        (parents != expected).any()
        or kinds.any()
        or any(len(tree[name]) for name in _CATEGORIES)
        or described["size_leaf_vector"] not in ("0", "1")
        or int(described["num_feature"]) != columns
        or type(output) is not int
        or not np.isfinite(covers).all()
    ):
        raise ValueError("a tree has categories, several targets or parents that are not XGBoost's")
    # A float32 is less than the threshold where it is at most the float32 before it.
    before = np.nextafter(numbers, np.float32(-np.inf))
    return BoostedTree(
        column=column,
        threshold=np.where(leaf, 0.0, before.astype(np.float64)),
        left=left,
        right=right,
        missing_left=default != 0,
        leaf=leaf,
        value=np.where(leaf, numbers.astype(np.float64), 0.0),
        output=output,
    )


def _array(values: Any, dtype: Any, length: int) -> np.ndarray:
    array = np.array(values, dtype=dtype)
    if array.shape != (length,) or not np.isfinite(array).all():
        raise ValueError("an array of a tree has another length, or a number that is not finite")
    return array
