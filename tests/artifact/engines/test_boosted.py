"""Boosters of LightGBM and XGBoost: kept as text, checked when read, and as right as the libraries' own classes."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine

from artifact import environment
from artifact.engines import boosted, lightgbm_text
from artifact.engines.boosted import BoostedClassifier, BoostedRegressor
from artifact.engines.boosted_trees import BoostedTree
from artifact.errors import ForbiddenTypeError, IncompatibleError
from artifact.unpickling import unpickle
from pipeline.training import canonical_pickle

FEW = {"n_estimators": 4, "max_depth": 3, "random_state": 3}
QUIET: dict[str, Any] = {"verbose": -1, "deterministic": True, "force_row_wise": True}
KINDS = ["lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor", "xgboost.XGBClassifier", "xgboost.XGBRegressor"]


def table(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows with gaps in the first column, and labels or numbers."""
    values, target = (load_wine if kind.endswith("Classifier") else load_diabetes)(return_X_y=True)
    values[::5, 0] = np.nan
    return values, np.array(["red", "rosé", "white"])[target] if kind.endswith("Classifier") else target


def fitted(kind: str, **parameters: Any) -> Any:
    """An estimator of that kind, as an artifact holds it, fitted twice to the same bytes."""
    model = clone(boosted.estimator(kind, {**FEW, **parameters})).fit(*table(kind))
    data = canonical_pickle.dumps(model)
    assert data == canonical_pickle.dumps(clone(model).fit(*table(kind)))
    return unpickle.loads(data)


@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_as_the_library(kind: str) -> None:
    """LightGBM's own class to the bit; XGBoost's within float32, in which it computes probabilities."""
    values, target = table(kind)
    library = lightgbm if kind.startswith("lightgbm") else xgboost
    own = getattr(library, kind.rpartition(".")[2])(**FEW, n_jobs=1, **(QUIET if library is lightgbm else {}))
    ours = fitted(kind)
    if isinstance(ours, BoostedClassifier):
        own.fit(values, np.unique(target, return_inverse=True)[1])
        before, now = own.predict_proba(values), ours.predict_proba(values)
        assert ours.predict(values).tolist() == ours.classes_[own.predict(values)].tolist()
    else:
        before, now = own.fit(values, target).predict(values), ours.predict(values)
    assert now.dtype == np.float64
    assert np.abs(now - before).max() <= (0 if library is lightgbm else 1e-6 * np.abs(before).max())


@pytest.mark.parametrize("kind", KINDS)
def test_the_arrays_say_what_the_library_adds_up(kind: str) -> None:
    """Whoever walks the checked arrays comes to the margins of the library, on small numbers and gaps too."""
    values = table(kind)[0][:40].copy()
    values[:8, 1] = [0.0, -0.0, 1e-35, -1e-35, 1e-36, np.nan, 1e30, -1e30]
    small = lightgbm_text._SMALL
    values[8:10] = [[small], [-small]]
    model = fitted(kind, **({"n_estimators": 60, "max_depth": -1} if kind.startswith("lightgbm") else {}))
    trees = model.trees()
    numbers_read = values.astype(np.float32).astype(np.float64) if kind.startswith("xgboost") else values
    for row, margin in zip(numbers_read, model.margins(values).reshape(len(values), -1), strict=True):
        sums = trees.base.copy()
        for tree in trees.trees:
            node = 0
            while not tree.leaf[node]:
                number = row[tree.column[node]]
                left = tree.missing_left[node] if np.isnan(number) else number <= tree.threshold[node]
                node = (tree.left if left else tree.right)[node]
            sums[tree.output] += tree.value[node]
        assert sums == pytest.approx(margin, rel=1e-6)


def changed(kind: str, old: str, new: str) -> BoostedClassifier | BoostedRegressor:
    """A fitted model, in whose text `old` is `new`."""
    model: BoostedClassifier | BoostedRegressor = fitted(kind)
    assert old in model.text_, model.text_[:800]
    model.text_ = model.text_.replace(old, new, 1)
    return model


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("left_child=1", "left_child=99"),
        ("left_child=1", "left_child=-99"),
        ("split_feature=", "split_feature=77 "),
        ("num_cat=0", "num_cat=1"),
        ("is_linear=0", "is_linear=1"),
        ("max_feature_idx=9", "max_feature_idx=4"),
        ("decision_type=", "decision_type=1 "),
        ("Tree=1", "Tree=7"),
        ("version=v4", "version=v4\ntree_sizes=1 2 3 4"),
        ("end of trees", "end of"),
    ],
)
def test_a_text_that_lightgbm_did_not_write(old: str, new: str) -> None:
    """A child, a column or a length that is not there is refused with 21 before LightGBM reads a byte of it."""
    with pytest.raises(ForbiddenTypeError, match="a booster that no fit makes"):
        unpickle.loads(canonical_pickle.dumps(changed("lightgbm.LGBMRegressor", old, new)))


@pytest.mark.parametrize(
    ("key", "value"),
    [("left_children", [1]), ("split_indices", 77), ("right_children", 0), ("parents", 5), ("split_type", 1)],
)
def test_a_text_that_xgboost_did_not_write(key: str, value: Any) -> None:
    """The same of XGBoost's JSON: another length, column, child or parent."""
    model = fitted("xgboost.XGBRegressor")
    text = json.loads(model.text_)
    tree = text["learner"]["gradient_booster"]["model"]["trees"][0]
    tree[key] = value if isinstance(value, list) else [value, *tree[key][1:]]
    model.text_ = json.dumps(text)
    with pytest.raises(ForbiddenTypeError, match="a booster that no fit makes"):
        unpickle.loads(canonical_pickle.dumps(model))


def test_a_tree_in_a_circle() -> None:
    """Two nodes that are each other's children would never end."""
    model = fitted("xgboost.XGBRegressor", max_depth=2)
    text = json.loads(model.text_)
    tree = text["learner"]["gradient_booster"]["model"]["trees"][0]
    assert tree["left_children"][:3] == [1, 3, 5]
    tree["left_children"][1], tree["parents"][2], tree["parents"][3] = 2, 1, 2147483647
    model.text_ = json.dumps(text)
    with pytest.raises(ForbiddenTypeError, match="no fit makes"):
        unpickle.loads(canonical_pickle.dumps(model))


def test_arrays_in_a_circle() -> None:
    """Two nodes that share a child, or lead back to the root, are refused, whichever library wrote them."""
    fields = {"column": np.zeros(5, int), "threshold": np.zeros(5), "missing_left": np.zeros(5, bool)}
    leaf, value = np.array([False, False, True, True, True]), np.zeros(5)
    tree = BoostedTree(
        left=np.array([1, 3, -1, -1, -1]),
        right=np.array([2, 4, -1, -1, -1]),
        leaf=leaf,
        value=value,
        output=0,
        **fields,
    )
    tree.check(1, 1)
    for left, right in (([1, 3], [2, 2]), ([1, 0], [2, 4]), ([1, 1], [2, 4])):
        wrong = replace(tree, left=np.array([*left, -1, -1, -1]), right=np.array([*right, -1, -1, -1]))
        with pytest.raises(ValueError, match="is not there"):
            wrong.check(1, 1)


def test_numbers_that_lightgbm_takes_for_zero() -> None:
    """A threshold among them divides the numbers themselves as LightGBM divides what it makes of them."""
    small = lightgbm_text._SMALL
    numbers = np.array([-1.0, -2 * small, -small, -small / 2, -0.0, 0.0, small / 2, small, 2 * small, 1.0])
    durations = np.where(np.abs(numbers) > small, numbers, 0.0)
    for threshold in numbers:
        (divides,) = lightgbm_text._beside_zero(np.array([threshold]))
        assert (numbers <= divides).tolist() == (durations <= threshold).tolist(), threshold


def test_an_environment_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries of an artifact name it where the model itself is read, and one without is refused with 22."""
    data = canonical_pickle.dumps(fitted("xgboost.XGBRegressor"))
    versions = environment.libraries(["sklearn"], data)
    assert versions["xgboost-cpu"] == metadata.version("xgboost-cpu")
    assert "xgboost-cpu" not in environment.libraries(["onnxruntime"], data)
    environment.check(["sklearn"], versions, {})
    real = metadata.distribution

    def without(name: str) -> metadata.Distribution:
        if name == "xgboost-cpu":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "distribution", without)
    with pytest.raises(IncompatibleError, match=r"needs the extra xgboost .*make extras EXTRAS='xgboost'"):
        environment.check(["sklearn"], versions, {})


def test_what_is_not_served_is_said_at_the_fit() -> None:
    """A booster that is no sum of trees, an objective without probabilities, several targets: the library's name."""
    values, target = table("xgboost.XGBRegressor")
    with pytest.raises(ValueError, match="use gbtree"):
        boosted.estimator("xgboost.XGBRegressor", {**FEW, "booster": "gblinear"}).fit(values, target)
    with pytest.raises(ValueError, match="the objective multiclassova is not one of"):
        fitted("lightgbm.LGBMClassifier", objective="multiclassova")
    with pytest.raises(ValueError, match="one target"):
        boosted.estimator("xgboost.XGBRegressor", FEW).fit(values, np.column_stack([target, target]))
