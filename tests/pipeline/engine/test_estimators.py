"""Each estimator in a graph computes what scikit-learn does, ties and the edges of trees included."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import (
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from artifact.engines.table import GRAPH
from artifact.signature import Feature
from tests.pipeline.engine.conversion import NUMBERS, ROWS, SCORE, THREE, TWO, chosen, equal


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (GradientBoostingClassifier(loss="exponential", n_estimators=9), TWO),
        (GradientBoostingClassifier(n_estimators=9), THREE),
        (GradientBoostingClassifier(init="zero", n_estimators=9), TWO),
        (GradientBoostingRegressor(loss="huber", n_estimators=9), SCORE),
        (HistGradientBoostingClassifier(max_iter=9), THREE),
        (HistGradientBoostingRegressor(loss="poisson", max_iter=9), np.exp(SCORE / 4)),
        (HistGradientBoostingRegressor(loss="gamma", max_iter=9), np.exp(SCORE / 4)),
        (HistGradientBoostingRegressor(loss="quantile", quantile=0.8, max_iter=9), SCORE),
        (RandomForestClassifier(9, max_depth=4, random_state=0), THREE),
        (ExtraTreesClassifier(9, min_samples_leaf=7, random_state=0), TWO.astype(np.int64)),
        (MLPClassifier((5, 3), activation="tanh", max_iter=20, random_state=0), THREE),
        (MLPClassifier((5,), activation="logistic", max_iter=20, random_state=0), TWO),
        (MLPRegressor(hidden_layer_sizes=(5,), activation="identity", max_iter=20, random_state=0), SCORE),
        (DecisionTreeClassifier(max_depth=1), TWO),
        (SGDClassifier(loss="log_loss", random_state=0), TWO),
        (SGDClassifier(loss="log_loss", random_state=0), THREE),
        (SGDClassifier(loss="modified_huber", random_state=0), TWO),
        (SGDClassifier(loss="modified_huber", random_state=0), THREE),
    ],
    ids=lambda value: str(value) if hasattr(value, "fit") else "",
)
def test_estimators(estimator: Any, target: np.ndarray) -> None:
    """Losses, links, numbers of classes and leaves of several classes, behind a scaler; alone a missing number, too."""
    assert equal(chosen(NUMBERS, target, SimpleImputer(), StandardScaler(), estimator)[0])
    if "Hist" in type(estimator).__name__ or "Forest" in type(estimator).__name__:
        assert equal(chosen(NUMBERS, target, estimator)[0])


def test_a_tie_has_the_label_that_scikit_learn_gives_it() -> None:
    """At a score of exactly 0 the two kinds of boosting take different sides, as in scikit-learn."""
    inputs = (Feature("a", "float64"),)
    target = (np.arange(ROWS) % 2).astype(np.int64)
    for estimator, label in (
        (GradientBoostingClassifier(n_estimators=1, min_samples_leaf=ROWS // 2 + 1), 1),
        (HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=ROWS), 0),
    ):
        choice, signature, _, columns = chosen(inputs, target, estimator)
        assert equal(choice)
        assert set(choice.runner(b"", signature).predict(columns).values.tolist()) == {label}


def test_trees_compare_float32_with_float64() -> None:
    """The graph casts where trees cast, and looks whether that made a number infinite; thresholds stay in float64.

    Boosting of histograms does not cast.
    """
    for estimator, casts in ((DecisionTreeClassifier(max_depth=2), 4), (HistGradientBoostingClassifier(max_iter=2), 0)):
        choice, *_ = chosen(NUMBERS[:2], TWO, StandardScaler(), estimator)
        graph = onnx.load_model_from_string(choice.files[GRAPH]).graph
        assert [node.op_type for node in graph.node].count("Cast") == casts
        (trees,) = [node for node in graph.node if node.op_type == "TreeEnsemble"]
        (splits,) = [attribute.t for attribute in trees.attribute if attribute.name == "nodes_splits"]
        assert splits.data_type == onnx.TensorProto.DOUBLE
        assert all(value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT for value in graph.input)


def test_pure_leaves_need_no_second_tree() -> None:
    """A forest is written once, however many classes it has, where each leaf has one class only."""
    choice, _, model, _ = chosen(NUMBERS[:2], THREE, RandomForestClassifier(5, bootstrap=False, random_state=0))
    (trees,) = [
        node for node in onnx.load_model_from_string(choice.files[GRAPH]).graph.node if node.op_type == "TreeEnsemble"
    ]
    (roots,) = [attribute.ints for attribute in trees.attribute if attribute.name == "tree_roots"]
    assert len(roots) == len(model[-1].estimators_) == 5
