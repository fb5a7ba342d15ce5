"""scikit-learn's own methods on columns that others read, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from artifact.engines.sklearn_runner import SklearnRunner
from artifact.explanation.explainer import behind
from artifact.signature import Feature, for_model
from artifact.validation.frame import from_columns


def overwrite(table: pd.DataFrame) -> pd.DataFrame:
    """Write into the first column in place."""
    table.iloc[:, 0].to_numpy()[:] = 7.0
    return table


@pytest.mark.parametrize("names", ["a", "ab"])
@pytest.mark.parametrize(
    "transformer",
    [StandardScaler(copy=False), SimpleImputer(copy=False), FunctionTransformer(overwrite)],
    ids=["scaler", "imputer", "own"],
)
def test_a_transformer_that_writes_into_its_input(transformer: Any, names: str) -> None:
    """The columns are as they were, so that drift and the inference log have what the request had; the answer too."""
    random = np.random.default_rng(0)
    columns = {name: random.normal(3, 2, 40) for name in names}
    columns["a"][0] = 100.0
    table = pd.DataFrame(columns)
    fitted = make_pipeline(transformer, LogisticRegression()).fit(table.copy(), table["a"] > 3)
    inputs = tuple(Feature(name, "float64") for name in names)
    signature = for_model("classification", inputs, Feature("y", "bool"), fitted)
    expected = fitted.predict_proba(table.copy())
    runner = SklearnRunner(fitted, signature)
    for _ in range(2):
        assert np.array_equal(np.asarray(runner.predict(columns).probabilities), expected)
    behind([transformer], from_columns(signature, columns))  # as an explanation does
    assert all(np.array_equal(columns[name], table[name]) for name in names)
