"""What compiled code takes for granted of a fitted model: indexes within their arrays, and arrays of matching lengths.

scikit-learn and scipy make such models, and look no second time: a tree that names a child beyond its nodes, or itself,
ends the process without a word, or never. A pickle can say anything, so it is looked at once, whole arrays at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.neighbors import KDTree
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from artifact.errors import ForbiddenTypeError


def check(thing: Any) -> None:
    """ForbiddenTypeError (21) unless `thing`, an object that a pickle made, is fit for compiled code."""
    for kind in type(thing).__mro__:
        fits = _CHECKS.get(f"{kind.__module__}.{kind.__qualname__}")
        if fits is not None:
            try:
                right = fits(thing)
            except Exception as error:
                raise _unfit(kind, f"{type(error).__name__}: {error!s:.80}") from error
            if not right:
                raise _unfit(kind, "an index or a length is out of bounds")


def needs_check(kind: type) -> bool:
    """Whether `check` has anything to look at in objects of `kind`."""
    return any(f"{base.__module__}.{base.__qualname__}" in _CHECKS for base in kind.__mro__)


def _unfit(kind: type, problem: str) -> ForbiddenTypeError:
    return ForbiddenTypeError(f"model.joblib holds a {kind.__qualname__} that no fit makes ({problem}); train it again")


def _within(values: Any, size: int, least: int = 0) -> bool:
    """Whether whole numbers `values` are from `least` to below `size`."""
    return values.dtype.kind in "iu" and bool(((values >= least) & (values < size)).all())


def _later(children: np.ndarray, parents: np.ndarray, count: int) -> bool:
    # Nodes are numbered as they are made: a child after its parent, so that there is no way round in a circle.
    return _within(children, count) and bool((children > parents).all())


def _tree(tree: Any) -> bool:
    nodes = tree.__getstate__()["nodes"]
    inner = np.flatnonzero(nodes["left_child"] != -1)
    left, right = (nodes[side][inner] for side in ("left_child", "right_child"))
    return (
        len(nodes) == tree.node_count
        and len(nodes) > 0
        and _later(left, inner, len(nodes))
        and _later(right, inner, len(nodes))
        and _within(nodes["feature"][inner], tree.n_features)
    )


def _decision_tree(model: Any) -> bool:
    tree = vars(model).get("tree_")
    return tree is None or bool(tree.n_features == model.n_features_in_ and tree.n_outputs == model.n_outputs_)


def _trees(model: Any) -> bool:
    """A forest, or gradient boosting: no tree looks at more columns than a request is checked to have."""
    trees = np.asarray(vars(model).get("estimators_", []), dtype=object).ravel().tolist()
    return all(tree.tree_.n_features == model.n_features_in_ for tree in trees)


def _isolation_forest(model: Any) -> bool:
    """Each tree looks at as many columns as it is handed: some of a row, or all where it was trained on all."""
    state = vars(model)
    if "estimators_" not in state:
        return True
    columns, features = model.n_features_in_, state["estimators_features_"]
    every = state["_max_features"] == columns
    return len(features) == len(state["estimators_"]) and all(
        tree.tree_.n_features == (columns if every else len(places)) and _within(np.asarray(places), columns)
        for tree, places in zip(state["estimators_"], features, strict=True)
    )


def _predictor(predictor: Any) -> bool:
    nodes, sets = predictor.nodes, predictor.raw_left_cat_bitsets
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    by_category = nodes[(nodes["is_leaf"] == 0) & (nodes["is_categorical"] != 0)]
    left, right = (nodes[side][inner] for side in ("left", "right"))
    return (
        len(nodes) > 0
        and _later(left, inner, len(nodes))
        and _later(right, inner, len(nodes))
        and bool(sets.ndim == 2 and (sets.shape[1] == 8 or not len(sets)))
        and _within(by_category["bitset_idx"], len(sets))
    )


def _histograms(model: Any) -> bool:
    trees = [tree for iteration in vars(model).get("_predictors", []) for tree in iteration]
    if not trees:  # not fitted
        return True
    columns, by_category = model._n_features, model._bin_mapper.is_categorical_
    inner = [tree.nodes[tree.nodes["is_leaf"] == 0] for tree in trees]
    return (
        bool(columns == model.n_features_in_)
        and by_category.shape == (columns,)
        and _keeps_columns(model._preprocessor, columns)
        and all(_within(nodes["feature_idx"], columns) for nodes in inner)
        # A node that asks for a category looks its column up in a table of the columns that have categories.
        and all(by_category[nodes["feature_idx"][nodes["is_categorical"] != 0]].all() for nodes in inner)
    )


def _keeps_columns(preprocessor: Any, columns: int) -> bool:
    """Whether the ColumnTransformer that moves a booster's categories to the front, if any, hands on `columns`."""
    if preprocessor is None:
        return True
    (_, encoder, first), (_, rest, others), *remainder = preprocessor.transformers_
    return (
        type(encoder) is OrdinalEncoder
        and type(rest) is FunctionTransformer
        and first.dtype == others.dtype == bool
        and first.shape == others.shape == (columns,)
        and bool((first != others).all())
        and all(type(part) is str and part == "drop" for _, part, _ in remainder)
    )


def _neighbours(tree: Any) -> bool:
    data, order, nodes, bounds = map(np.asarray, tree.get_arrays())
    levels, count, *_, metric, weights = tree.__getstate__()[5:]
    metric._validate_data(data)  # of the right width for its own numbers, which a tree asks once, when it is made
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    starts, ends = nodes["idx_start"], nodes["idx_end"]
    return (
        data.ndim == 2
        and order.shape == (len(data),)
        and _within(order, len(data))
        and len(nodes) == count == 2**levels - 1 == bounds.shape[1]
        and bounds.shape[0] == (2 if isinstance(tree, KDTree) else 1)
        and bounds.shape[2] == data.shape[1]
        and (weights is None or np.shape(weights) == (len(data),))
        and _within(starts, len(data) + 1)
        and _within(ends, len(data) + 1)
        and bool((starts <= ends).all())
        and bool((2 * inner + 2 < count).all())
    )


def _mahalanobis(metric: Any) -> bool:
    matrix = metric.__getstate__()[2]
    return bool(matrix.shape[0] == matrix.shape[1])


def _sparse(matrix: Any) -> bool:
    matrix.check_format(full_check=True)
    return True


def _spline(spline: Any) -> bool:
    knots, coefficients = np.asarray(spline.t), np.asarray(spline.c)
    least = len(knots) - spline.k - 1
    return knots.ndim == 1 and spline.k >= 0 and 0 < least <= len(coefficients) and bool((np.diff(knots) >= 0).all())


def _support_vectors(model: Any) -> bool:
    state = vars(model)
    if "support_vectors_" not in state:
        return True
    classes, vectors = len(state["_n_support"]), state["support_vectors_"]
    pairs, count = classes * (classes - 1) // 2, vectors.shape[0]
    columns = state["shape_fit_"][1] if model.kernel != "precomputed" else 0
    classifier = model._impl in ("c_svc", "nu_svc")
    return (
        classes >= 2
        and model._impl in ("c_svc", "nu_svc", "epsilon_svr", "nu_svr", "one_class")
        and state["support_"].shape == (count,)
        and _within(state["support_"], state["shape_fit_"][0])
        and _within(state["_n_support"], count + 1)
        and (not classifier or int(state["_n_support"].sum()) == count)
        and state["_dual_coef_"].shape == (classes - 1, count)
        and _stored_alike(model._sparse, vectors, state["_dual_coef_"])
        and state["_intercept_"].shape == (pairs,)
        and all(state[name].shape in ((0,), (pairs,)) for name in ("_probA", "_probB"))
        and len(state["_probA"]) == len(state["_probB"])
        and (columns == 0 or columns == vectors.shape[1] == model.n_features_in_)
    )


def _stored_alike(in_rows: bool, vectors: Any, coefficients: Any) -> bool:
    """Whether both are arrays; or both sparse rows, of which libsvm reads the coefficients as if none were left out."""
    if not in_rows:
        return isinstance(vectors, np.ndarray) and isinstance(coefficients, np.ndarray)
    every = np.arange(coefficients.shape[1])
    return vectors.format == coefficients.format == "csr" and bool(
        coefficients.nnz == len(coefficients.data) == math.prod(coefficients.shape)
        and (coefficients.indices.reshape(coefficients.shape) == every).all()
    )


def _twister(generator: Any) -> bool:
    return bool(0 <= generator.state["state"]["pos"] <= 624)  # numbers of its state; the next is read unseen


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "numpy.random._mt19937.MT19937": _twister,
    "sklearn.tree._tree.Tree": _tree,
    "sklearn.tree._classes.BaseDecisionTree": _decision_tree,
    "sklearn.ensemble._forest.BaseForest": _trees,
    "sklearn.ensemble._iforest.IsolationForest": _isolation_forest,
    "sklearn.ensemble._gb.BaseGradientBoosting": _trees,
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": _predictor,
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.BaseHistGradientBoosting": _histograms,
    "sklearn.neighbors._kd_tree.KDTree": _neighbours,
    "sklearn.neighbors._ball_tree.BallTree": _neighbours,
    "sklearn.metrics._dist_metrics.MahalanobisDistance64": _mahalanobis,
    "scipy.sparse._csr.csr_array": _sparse,
    "scipy.sparse._csr.csr_matrix": _sparse,
    "scipy.interpolate._bsplines.BSpline": _spline,
    "sklearn.svm._base.BaseLibSVM": _support_vectors,
}
