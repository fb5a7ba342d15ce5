"""MLflow's pyfunc model answers what the predictor answers over the wire, for each kind of task and of column."""

from __future__ import annotations

import warnings
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pytest

from pipeline.tracking import mlmodel
from tests.predictor import forms
from tests.zoo.build import build
from tests.zoo.configuration import FEW, IMPUTE, SCALE, SEED, Configuration, mixed, numbers
from tests.zoo.several import CLASSES, between, classes, labels, outliers
from tests.zoo.tables import draw
from tests.zoo.wire import serving

pytestmark = pytest.mark.story

MODELS: dict[str, Configuration] = {
    "texts and gaps": mixed("ensemble.RandomForestClassifier", "kind", table="people", **FEW),
    "times": numbers("linear_model.Ridge", "price", IMPUTE, SCALE, table="times", **SEED),
    "interval": between(numbers("ensemble.GradientBoostingRegressor", "price", SCALE, n_estimators=5, **SEED)),
    "labels": labels(numbers("ensemble.RandomForestClassifier", "near+costly", **FEW)),
    "classes": classes(mixed("ensemble.RandomForestClassifier", CLASSES, **FEW)),
    "outliers": outliers("ensemble.IsolationForest", SCALE, **FEW),
}


@pytest.mark.parametrize("name", MODELS)
def test_pyfunc_answers_as_the_server_does(tmp_path: Path, name: str) -> None:
    """The same labels and, to the last bit, the same numbers, from a frame with None where values are missing."""
    configuration = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built = build(configuration, tmp_path / "zoo", tmp_path / "tables")
        (tmp_path / "mlflow").mkdir()
        mlmodel.write(tmp_path / "mlflow", built.directory)
        model = mlflow.pyfunc.load_model(str(tmp_path / "mlflow"))
        frame = draw(configuration.table, 60, 9)
        message = model.predict(frame[list(built.signature.names)])
    columns = {
        column: [None if value != value else value for value in frame[column].tolist()]
        for column in built.signature.names
    }
    with serving(built, tmp_path / "log") as server:
        answers = forms.by_feature(server, columns)
    for output in built.signature.outputs:
        wired = np.asarray(answers[output.name])
        for place, column in enumerate(output.flat):
            expected = wired if wired.ndim == 1 else wired[:, place]
            assert message[column].tolist() == expected.tolist(), column
