"""Rows on both sides of the splits of a model's trees, found through its preprocessing, and not too many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from artifact.prediction import Columns, rows
from artifact.signature import Feature, Signature
from artifact.validation import frame
from pipeline.engine import neighbours

SIGNATURE = Signature("regression", (Feature("a", "float64"), Feature("b", "float64")), ())
RANDOM = np.random.default_rng(11)
TABLE = {"a": RANDOM.lognormal(7, 1, 500), "b": RANDOM.normal(0, 1e-3, 500)}
TARGET = np.log(TABLE["a"]) + 300 * TABLE["b"]


def fitted(*steps: Any) -> Any:
    """A Pipeline on those numbers."""
    return make_pipeline(*steps).fit(frame.from_columns(SIGNATURE, TABLE), TARGET)


def preprocessed(model: Any, table: Columns) -> np.ndarray:
    """What the estimator gets, [rows, columns], float64."""
    inputs = frame.from_columns(SIGNATURE, table)
    return np.asarray(model[:-1].transform(inputs) if len(model) > 1 else inputs, dtype=np.float64)


@pytest.mark.parametrize(
    "before",
    [(), (StandardScaler(),), (MinMaxScaler((1, 2)), StandardScaler()), (QuantileTransformer(n_quantiles=50),)],
    ids=["none", "scaler", "two scalers", "quantiles"],
)
def test_both_sides_of_a_split(before: tuple[Any, ...]) -> None:
    """For a split in float32: rows that differ in one number, of which the last goes left and the next goes right."""
    model = fitted(*before, DecisionTreeRegressor(max_depth=1, random_state=0))
    result = neighbours.of(SIGNATURE, model, TABLE)
    assert (result.tried, result.present) == (1, 1)
    tree = model[-1].tree_
    column, threshold = int(tree.feature[0]), float(tree.threshold[0])
    name = "ab"[column]
    order = np.argsort(result.table[name])
    numbers = result.table[name][order]
    values = preprocessed(model, result.table)[order, column]
    narrow = values.astype(np.float32).astype(np.float64) <= threshold
    last = int(np.flatnonzero(narrow)[-1])
    assert narrow[: last + 1].all()
    assert not narrow[last + 1 :].any()
    assert 1 < last + 1 < len(numbers)
    if not before or not isinstance(before[0], QuantileTransformer):
        assert numbers[last + 1] == np.nextafter(numbers[last], np.inf)
    # In float64 the split is elsewhere, and rows are on both sides of that, too.
    wide = values <= threshold
    assert wide.any()
    assert not wide.all()


def test_a_scaler_in_float32_would_be_seen() -> None:
    """Among the rows are many for which scaling in float32 takes another branch: a float32 graph cannot be proved."""
    model = fitted(StandardScaler(), RandomForestRegressor(20, random_state=0))
    result = neighbours.of(SIGNATURE, model, TABLE)
    scaler, forest = model[0], model[-1]
    narrow = frame.from_columns(SIGNATURE, result.table).to_numpy().astype(np.float32)
    narrow = (narrow - scaler.mean_.astype(np.float32)) / scaler.scale_.astype(np.float32)
    exact = preprocessed(model, result.table)
    differ = (forest.apply(narrow) != forest.apply(exact)).any(axis=1)
    assert differ.mean() > 0.1


def test_boosting_compares_in_float64() -> None:
    """Rows go to both sides of a split of histogram gradient boosting, which float32 cannot tell apart."""
    model = fitted(HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=2, random_state=0))
    result = neighbours.of(SIGNATURE, model, TABLE)
    assert result.tried == result.present == 1
    nodes = model[-1]._predictors[0][0].nodes
    values = result.table["ab"[nodes["feature_idx"][0]]]
    left = values <= nodes["num_threshold"][0]
    assert values[left].max() == nodes["num_threshold"][0]
    assert values[~left].min() == np.nextafter(values[left].max(), np.inf)


def test_splits_are_sampled() -> None:
    """Of a forest's splits a fixed number is tried, evenly spaced, and both numbers are told."""
    model = fitted(StandardScaler(), RandomForestRegressor(30, random_state=0))
    distinct = {
        (int(column), float(threshold))
        for tree in model[-1].estimators_
        for column, threshold in zip(tree.tree_.feature, tree.tree_.threshold, strict=True)
        if column >= 0
    }
    result = neighbours.of(SIGNATURE, model, TABLE)
    assert (result.tried, result.present) == (neighbours.SPLITS, len(distinct))
    assert rows(result.table) <= 12 * neighbours.SPLITS
    again = neighbours.of(SIGNATURE, model, TABLE)
    assert all(np.array_equal(result.table[name], again.table[name]) for name in "ab")


def test_rows_come_by_the_split_they_are_beside() -> None:
    """Most rows reach the leaves of another branch than the row before: they stand at their split, not elsewhere."""
    model = fitted(StandardScaler(), DecisionTreeRegressor(random_state=0))
    result = neighbours.of(SIGNATURE, model, TABLE)
    leaves = set(model[-1].apply(preprocessed(model, result.table)).tolist())
    assert len(leaves) > 0.6 * result.tried


def test_whole_numbers_gaps_texts_and_products() -> None:
    """Whole numbers stay whole and within their range, a gap is filled for its column alone, texts stay as they are."""
    inputs = (
        Feature("n", "int64", range=(0, 90)),
        Feature("x", "float64", nullable=True),
        Feature("t", "string"),
        Feature("ok", "bool"),
    )
    table: dict[str, Any] = {
        "n": RANDOM.integers(0, 91, 300),
        "x": np.where(RANDOM.random(300) < 0.2, np.nan, RANDOM.normal(size=300)),
        "t": RANDOM.choice(np.array(["u", "v"], dtype=object), 300),
        "ok": RANDOM.integers(0, 2, 300).astype(float),
    }
    signature = Signature("classification", inputs, ())
    columns = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(), PolynomialFeatures(2, include_bias=False)), ["n", "x"]),
            ("t", OneHotEncoder(handle_unknown="ignore"), ["t"]),
            ("ok", "passthrough", ["ok"]),
        ]
    )
    target = (table["n"] + 20 * np.nan_to_num(table["x"]) > 45).astype(int)
    for estimator in (RandomForestClassifier(5, random_state=0), GradientBoostingClassifier(n_estimators=5)):
        model = make_pipeline(columns, estimator).fit(pd.DataFrame(table), target)
        result = neighbours.of(signature, model, table)
        assert 0 < result.tried <= result.present
        assert result.table["n"].dtype == np.int64
        assert (result.table["n"].min() >= 0, result.table["n"].max() <= 90) == (True, True)
        assert set(result.table["t"].tolist()) <= {"u", "v"}
        assert set(result.table["ok"].tolist()) <= {0.0, 1.0}


def test_a_model_without_trees_has_none() -> None:
    """Nothing to stand beside: no rows."""
    result = neighbours.of(SIGNATURE, fitted(LinearRegression()), TABLE)
    assert (result.tried, result.present, rows(result.table)) == (0, 0, 0)
