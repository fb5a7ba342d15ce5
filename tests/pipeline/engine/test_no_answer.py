"""Where scikit-learn raises for a row, a graph has no finite answer, and the proof says so."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import joblib
import numpy as np
import onnx
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from artifact.engines.engine import runner
from artifact.engines.table import MODEL, ONNX, SKLEARN
from artifact.prediction import Columns
from artifact.signature import Feature, Signature, for_model
from artifact.validation import frame
from pipeline.engine import conversion, engines

INPUTS = (Feature("a", "float64"), Feature("b", "float64"))
FAR = np.array([0.05, 1e38, -1e38, 0.05, 3e38])  # a hundred times as much, float32 does not hold


def fitted(*steps: BaseEstimator) -> tuple[bytes, Any, Signature, Columns]:
    """(bytes, model, signature, columns) of a Pipeline on small numbers, which a scaler makes larger."""
    random = np.random.default_rng(0)
    columns = {"a": random.normal(size=200) * 0.01, "b": random.uniform(30, 300, 200)}
    labels = np.where(columns["a"] + random.normal(size=200) * 0.01 > 0, "x", "y").astype(object)
    model = make_pipeline(*steps).fit(frame.from_columns(Signature("classification", INPUTS, ()), columns), labels)
    stream = BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue(), model, for_model("classification", INPUTS, Feature("y", "string"), model), columns


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "steps",
    [
        (StandardScaler(), DecisionTreeClassifier(random_state=0)),
        (StandardScaler(), RandomForestClassifier(5, random_state=0)),
        (StandardScaler(), GradientBoostingClassifier(n_estimators=5, random_state=0)),
        (PolynomialFeatures(3), DecisionTreeClassifier(random_state=0)),
    ],
    ids=lambda steps: " ".join(type(step).__name__ for step in steps),
)
def test_a_tree_behind_a_transformer(steps: tuple[BaseEstimator, ...]) -> None:
    """A number that float32 no longer holds when it reaches a tree: no finite answer, and the rest as scikit-learn."""
    data, model, signature, columns = fitted(*steps)
    choice = engines.choose(data, model, signature, train=columns, holdout=columns)
    assert (choice.engines[0].name, choice.refusals) == (ONNX, {})
    assert choice.agreements[ONNX].neither > 0
    exact, graph = runner(SKLEARN, {MODEL: data}, signature), choice.runner(data, signature)
    for value in FAR:
        row = {"a": np.array([value]), "b": np.array([100.0])}
        answered = graph.predict(row)
        if answered.finite().all():
            assert answered.values.tolist() == exact.predict(row).values.tolist()
        else:
            with pytest.raises(ValueError, match=r"infinity|too large"):
                exact.predict(row)
    assert graph.predict({"a": FAR, "b": np.full(len(FAR), 100.0)}).finite().tolist() == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_tree_of_numbers_as_they_come_is_not_guarded() -> None:
    """float32 holds every number that a caller may send: a graph without a transformer looks for no infinity."""
    _, model, signature, _ = fitted(RandomForestClassifier(5, random_state=0))
    operators = {node.op_type for node in onnx.load_model_from_string(conversion.convert(model, signature)).graph.node}
    assert "TreeEnsemble" in operators
    assert "IsInf" not in operators
