"""How labels are decided: thresholds and costs of params.yaml, thresholds tuned on folds, weights of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV

from artifact.decision import Decision
from artifact.errors import ConfigurationError
from artifact.signature import for_model
from artifact.unpickling import unpickle
from pipeline.data import prepare
from pipeline.params.params import Params
from pipeline.shared import decision_file, paths, tables
from pipeline.training import row_weights, train
from tests.pipeline.params.test_params import read
from tests.pipeline.toy import csv

RANDOM = np.random.default_rng(3)
ROWS = 400
RARE = pd.DataFrame({"a": RANDOM.normal(size=ROWS).round(3), "w": RANDOM.integers(1, 5, ROWS)})
RARE["y"] = np.where(RARE["a"] + RANDOM.normal(0, 1.2, ROWS) > 1.8, "yes", "no")
SCHEMA = {"a": {"dtype": "float64"}, "y": {"dtype": "string", "categories": ["no", "yes"]}}
LOGISTIC = {"train__estimator": "sklearn.linear_model.LogisticRegression", "train__parameters": {"random_state": 1}}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, as the working directory."""
    monkeypatch.chdir(tmp_path)
    paths.TUNED.parent.mkdir(parents=True)
    return tmp_path


def trained(root: Path, **changes: Any) -> Params:
    """The toy table prepared and trained as params.yaml with `changes` says."""
    Path("data").mkdir(exist_ok=True)
    Path("data/toy.csv").write_bytes(csv(RARE))
    values: dict[str, Any] = {"schema": SCHEMA, "train__preprocessing": {}, **LOGISTIC, **changes}
    params = read(root, **values)
    prepare.main([])
    paths.TUNED.write_text('{"best": {}}', encoding="utf-8")
    train.main([])
    return params


def decision(params: Params) -> Decision | None:
    model = unpickle.loads(paths.MODEL.read_bytes())
    return decision_file.read(for_model("classification", params.features, params.targets, model))


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (None, None),
        ({"thresholds": {"yes": 0.3}}, Decision((0.7, 0.3))),
        ({"costs": {"yes": {"no": 9}, "no": {"yes": 1}}}, Decision(costs=((0.0, 1.0), (9.0, 0.0)))),
    ],
)
def test_as_declared(root: Path, declared: Any, expected: Decision | None) -> None:
    """Thresholds and costs by class become those of the model, in the order of its classes."""
    assert decision(trained(root, train__decision=declared)) == expected


def test_tuned_on_folds(root: Path) -> None:
    """The threshold that folds find for F1 of a rare class is far below a half, and answers better than a half does."""
    params = trained(root, train__decision={"metric": "f1", "folds": 4})
    result = decision(params)
    assert result is not None
    assert result.thresholds is not None
    assert 0.1 < result.thresholds[1] < 0.45
    trained(root, train__decision={"metric": "f1", "folds": 4})
    assert decision(params) == result


def test_calibrated(root: Path) -> None:
    """The estimator that serves is the calibrated one."""
    from artifact.unpickling import unpickle

    trained(root, train__calibration={"method": "sigmoid", "folds": 3})
    assert type(unpickle.loads(paths.MODEL.read_bytes()).steps[-1][1]) is CalibratedClassifierCV


def test_weights(root: Path) -> None:
    """Rows count by data.weight and by class; the weights are no feature, and reach the estimator."""
    schema = {**SCHEMA, "w": {"dtype": "int64", "range": [0, None]}}
    params = trained(root, schema=schema, data__weight="w", train__class_weight={"no": 1, "yes": 10})
    assert [feature.name for feature in params.features] == ["a"]
    frame, target = tables.read(paths.TRAIN, params)
    column = tables.weights(paths.TRAIN, params)
    weights = row_weights.of(params, target, column)
    assert weights is not None
    assert column is not None
    assert np.array_equal(weights, column * np.where(target == "yes", 10, 1))
    plain, weighed = (
        train.fit(train.build(params), frame, target, weights=row_weights) for row_weights in (None, weights)
    )
    assert weighed.predict_proba(frame)[:, 1].mean() > 2 * plain.predict_proba(frame)[:, 1].mean()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"train__decision": {"metric": "log_loss"}}, "no threshold changes"),
        ({"train__decision": {"thresholds": {"maybe": 0.5}}}, "'maybe', which is no class of the target"),
        ({"train__decision": {"metric": "f1", "thresholds": {"yes": 0.5}}}, "one of thresholds, costs and metric"),
        ({"train__interval": {"low": 0.1}}, "only a regression of one target has an interval"),
        ({"data__weight": "a"}, "declares no weights"),
        ({"data__targets": ["y", "a"]}, "names a target twice"),
        ({"train__class_weight": {"no": 1}}, "'yes' is in the target or among the weights"),
        ({"train__estimator": "sklearn.cluster.KMeans"}, "groups rows and predicts no target"),
        ({"train__estimator": "sklearn.decomposition.PCA"}, "transforms columns and predicts no target"),
    ],
)
def test_is_refused(root: Path, changes: dict[str, Any], says: str) -> None:
    """What does not fit the task, the classes or the estimator is refused by its name."""
    with pytest.raises(ConfigurationError, match=says):
        trained(root, **changes)


LABELS = RARE.assign(often=RARE["a"] > RANDOM.normal(0, 1, ROWS), seldom=RARE["a"] + RANDOM.normal(0, 1.2, ROWS) > 1.8)
SEVERAL: dict[str, Any] = {
    "model__task": "multilabel",
    "data__target": None,
    "data__targets": ["often", "seldom"],
    "schema": {"a": SCHEMA["a"], "often": {"dtype": "bool"}, "seldom": {"dtype": "bool"}},
    "prepare__split": {"method": "random", "test_size": 0.3, "seed": 1},
    "train__estimator": "sklearn.multioutput.MultiOutputClassifier",
    "train__parameters": {"estimator": {"sklearn.linear_model.LogisticRegression": {"random_state": 1}}},
}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [({"thresholds": {"seldom": 0.2}}, (0.5, 0.2)), ({"metric": "f1_macro", "folds": 3}, None)],
)
def test_thresholds_of_labels(root: Path, declared: dict[str, Any], expected: tuple[float, ...] | None) -> None:
    """One a label: as params.yaml says, a half where it says none, or tuned on folds; a rare label gets a low one."""
    Path("data").mkdir()
    Path("data/toy.csv").write_bytes(csv(LABELS))
    params = read(root, train__preprocessing={}, **SEVERAL, train__decision=declared)
    prepare.main([])
    paths.TUNED.write_text('{"best": {}}', encoding="utf-8")
    train.main([])
    model = unpickle.loads(paths.MODEL.read_bytes())
    decided = decision_file.read(for_model("multilabel", params.features, params.targets, model))
    assert decided is not None
    assert decided.thresholds is not None
    assert decided.thresholds == expected or (expected is None and decided.thresholds[1] < 0.4)


@pytest.mark.parametrize(
    ("declared", "says"),
    [({"thresholds": {"rare": 0.2}}, "names 'rare'"), ({"costs": {"often": {"seldom": 1.0}}}, "nothing: a multilabel")],
)
def test_a_decision_that_labels_do_not_take(root: Path, declared: dict[str, Any], says: str) -> None:
    """Exit 10: a label that is no target, and costs, which are of classes."""
    with pytest.raises(ConfigurationError, match=says):
        read(root, train__preprocessing={}, **SEVERAL, train__decision=declared)
