"""What a library says is cut where it lists all of the data, and has a remedy; onnxruntime prints nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper

from artifact.engines.onnx_runner import OnnxRunner
from artifact.errors import ConfigurationError
from artifact.signature import Feature, for_model
from pipeline.training import train
from tests.pipeline.params.test_params import read


def test_hundreds_of_categories_are_not_listed(tmp_path: Path) -> None:
    """An encoder that was given its categories lists all others: the message keeps its beginning and its remedy."""
    encoder = {"sklearn.preprocessing.OneHotEncoder": {"categories": [["x"]]}}
    params = read(tmp_path, train__preprocessing__text__steps=[encoder])
    frame = pd.DataFrame({"a": np.arange(900.0), "b": [f"category number {number}" for number in range(900)]})
    with pytest.raises(ConfigurationError) as refused:
        train.fit(train.build(params), frame, np.array(["no", "yes"] * 450))
    assert len(str(refused.value)) < 700
    assert "Found unknown categories" in str(refused.value)
    assert str(refused.value).endswith("an imputer or an estimator that takes it)")


def test_sparse_columns_have_a_remedy_in_params(tmp_path: Path) -> None:
    """scikit-learn names a method that nobody can call in params.yaml: the message says what can be written there."""
    params = read(
        tmp_path,
        train__preprocessing__text__steps=[{"sklearn.preprocessing.OneHotEncoder": {}}],
        train__estimator="sklearn.ensemble.HistGradientBoostingClassifier",
        train__parameters={"random_state": 1},
    )
    frame = pd.DataFrame({"a": np.arange(90.0), "b": [f"category number {number}" for number in range(90)]})
    with pytest.raises(ConfigurationError, match=r"a OneHotEncoder needs sparse_output: false"):
        train.fit(train.build(params), frame, np.array(["no", "yes"] * 45))


def test_onnxruntime_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """What fails is raised, and no red line stands in the log of a run that goes on."""
    column = [None, None]
    x, w, y = (helper.make_tensor_value_info(name, TensorProto.DOUBLE, column) for name in ("x", "w", "y"))
    product = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "product", [x, w], [y])
    opset = helper.make_opsetid("", 18)
    graph = helper.make_model(product, opset_imports=[opset], ir_version=10).SerializeToString()
    features = (Feature("x", "float64"), Feature("w", "float64"))
    runner = OnnxRunner(graph, for_model("regression", features, Feature("y", "float64"), None))
    with pytest.raises(Exception, match="dimension mismatch"):
        runner.predict({"x": np.zeros(3), "w": np.zeros(3)})
    assert capfd.readouterr().err == ""
