"""What compiled code would take for granted: a model whose indexes lead out of its arrays is refused when read."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import SplineTransformer
from sklearn.svm import SVC, SVR

from artifact.errors import ForbiddenTypeError
from artifact.unpickling import unpickle
from tests.artifact.components import X, Y, dumped


def nodes(tree: Any) -> np.ndarray:
    """The nodes of a tree, to be changed in place."""
    result: np.ndarray = tree.__getstate__()["nodes"]
    return result


def first(forest: Any) -> np.ndarray:
    """The nodes of the first tree of an ensemble."""
    return nodes(np.ravel(forest.estimators_)[0].tree_)


def put(array: np.ndarray, at: Any, value: Any) -> None:
    """Change one value."""
    array[at] = value


def by_category(booster: Any) -> None:
    """Let a booster of numbers ask for a category, in a set that is there."""
    tree = booster._predictors[0][0]
    put(tree.nodes["is_categorical"], 0, 1)
    put(tree.nodes["bitset_idx"], 0, 0)
    tree.raw_left_cat_bitsets = np.zeros((1, 8), np.uint32)


def part(tree: Any, place: int, value: Callable[[Any], Any]) -> None:
    """Change one part of the state of a tree of neighbours."""
    state = list(tree.__getstate__())
    state[place] = value(state[place])
    tree.__setstate__(tuple(state))


def measure(name: str, **numbers: Any) -> Callable[[Any], None]:
    """Let a tree of neighbours of four columns measure by other numbers."""
    return lambda model: part(model._tree, 11, lambda _: DistanceMetric.get_metric(name, **numbers))


def oblong(model: Any) -> None:
    """Give a distance of Mahalanobis a matrix that is not square."""
    metric = DistanceMetric.get_metric("mahalanobis", VI=np.eye(4))
    metric.__setstate__((2.0, np.zeros(1), np.ones((4, 1))))
    part(model._tree, 11, lambda _: metric)


def drop_numbers(model: Any) -> None:
    """Let the transformer in front of a booster hand on fewer columns than the booster reads."""
    parts = model._preprocessor.transformers_
    parts[1] = (parts[1][0], "drop", parts[1][2])


FOREST = RandomForestClassifier(2, random_state=20)
BOOSTED = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5, random_state=20)
CATEGORIES = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5, categorical_features=[0])
BALLS = KNeighborsClassifier(algorithm="ball_tree", metric="seuclidean", metric_params={"V": np.ones(4)})
NEAR = KNeighborsClassifier(algorithm="kd_tree", leaf_size=5)
WRONG: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "a child beyond": (FOREST, lambda model: put(first(model)["left_child"], 0, 10_000)),
    "a child that is its parent": (FOREST, lambda model: put(first(model)["right_child"], 0, 0)),
    "a column beyond": (FOREST, lambda model: put(first(model)["feature"], 0, 4)),
    "a negative column": (FOREST, lambda model: put(first(model)["feature"], 0, -1)),
    "fewer columns than the trees": (FOREST, lambda model: setattr(model, "n_features_in_", 3)),
    "a stage with another child": (
        GradientBoostingRegressor(n_estimators=2, random_state=20),
        lambda model: put(first(model)["left_child"], 0, -7),
    ),
    "a histogram's child": (BOOSTED, lambda model: put(model._predictors[0][0].nodes["left"], 0, 10_000)),
    "a histogram's circle": (BOOSTED, lambda model: put(model._predictors[0][0].nodes["right"], 0, 0)),
    "a histogram's column": (BOOSTED, lambda model: put(model._predictors[0][0].nodes["feature_idx"], 0, 4)),
    "a set of categories beyond": (BOOSTED, lambda model: put(model._predictors[0][0].nodes["is_categorical"], 0, 1)),
    "a category of a number": (BOOSTED, by_category),
    "no table of categories": (
        CATEGORIES,
        lambda model: setattr(model._bin_mapper, "is_categorical_", np.zeros(0, np.uint8)),
    ),
    "fewer columns than a histogram's": (CATEGORIES, drop_numbers),
    "few variances": (BALLS, measure("seuclidean", V=np.ones(3))),
    "few weights": (BALLS, measure("minkowski", p=3, w=np.ones(3))),
    "a small matrix": (BALLS, measure("mahalanobis", VI=np.eye(3))),
    "an oblong matrix": (BALLS, oblong),
    "no distance": (BALLS, lambda model: part(model._tree, 11, lambda _: None)),
    "few weights of rows": (BALLS, lambda model: part(model._tree, 12, lambda _: np.ones(3))),
    "half of the bounds": (NEAR, lambda model: part(model._tree, 3, lambda bounds: bounds[:1].copy())),
    "a neighbour beyond": (NEAR, lambda model: put(np.asarray(model._tree.get_arrays()[1]), 0, 10_000)),
    "a node's end beyond": (NEAR, lambda model: put(np.asarray(model._tree.get_arrays()[2])["idx_end"], 1, 10_000)),
    "a leaf that goes on": (NEAR, lambda model: put(np.asarray(model._tree.get_arrays()[2])["is_leaf"], -1, 0)),
    "a support vector too few": (SVC(), lambda model: setattr(model, "support_vectors_", model.support_vectors_[1:])),
    "counts that do not add up": (SVC(), lambda model: put(model._n_support, 0, 0)),
    "narrow support vectors": (SVR(), lambda model: setattr(model, "support_vectors_", model.support_vectors_[:, 1:])),
    "few coefficients": (
        SplineTransformer(),
        lambda model: setattr(model.bsplines_[0], "c", model.bsplines_[0].c[:2]),
    ),
}


@pytest.mark.parametrize("title", WRONG)
def test_refused(title: str) -> None:
    """21, before anything is predicted; the same model untouched is read."""
    model, change = WRONG[title]
    fitted = copy.deepcopy(model).fit(X, Y)
    unpickle.loads(dumped(fitted))
    change(fitted)
    with pytest.raises(ForbiddenTypeError, match="that no fit makes"):
        unpickle.loads(dumped(fitted))


def test_sparse_support_vectors() -> None:
    """So are sparse coefficients of support vectors of which some are left out."""
    fitted = SVC().fit(sparse.csr_matrix(X), Y)
    unpickle.loads(dumped(fitted))
    fitted._dual_coef_ = sparse.csr_matrix(fitted._dual_coef_.shape)
    with pytest.raises(ForbiddenTypeError, match="BaseLibSVM that no fit makes"):
        unpickle.loads(dumped(fitted))


def test_random_numbers() -> None:
    """So is a random generator that would go on beyond its numbers."""
    random = np.random.RandomState(20)
    state = random.get_state(legacy=False)
    state["state"]["pos"] = 10**9
    random.set_state(state)
    with pytest.raises(ForbiddenTypeError, match="that no fit makes"):
        unpickle.loads(dumped(random))


def test_sparse_rows() -> None:
    """So is a sparse matrix with a column beyond its shape."""
    matrix = sparse.csr_matrix(np.eye(3))
    unpickle.loads(dumped(matrix))
    matrix.indices[0] = 10_000
    with pytest.raises(ForbiddenTypeError, match="csr_matrix that no fit makes"):
        unpickle.loads(dumped(matrix))
