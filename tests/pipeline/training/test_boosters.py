"""LightGBM and XGBoost in params.yaml: named once their extra is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifact.errors import ConfigurationError, RetrainRefused
from artifact.extras import CHOSEN
from pipeline.training import train
from tests.pipeline.params.test_params import read

RANDOM = np.random.default_rng(2)
FRAME = pd.DataFrame({"a": RANDOM.normal(size=80), "b": ["x", "y"] * 40})
TARGET = np.where(FRAME["a"] + RANDOM.normal(size=80) > 0, "yes", "no").astype(object)
ENCODED = [{"sklearn.preprocessing.OneHotEncoder": {"handle_unknown": "ignore"}}]
LGBM: dict[str, Any] = {"train__estimator": "lightgbm.LGBMClassifier"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the extra lightgbm is chosen."""
    lock = tmp_path / CHOSEN
    lock.parent.mkdir(parents=True)
    lock.write_text("# chosen: lightgbm\nlightgbm==4.7.0 \\\n    --hash=sha256:00\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_command_is_named(root: Path) -> None:
    """An extra that is not chosen ends with 10 and the command that chooses it beside those that are."""
    with pytest.raises(ConfigurationError) as caught:
        train.build(read(root, train__estimator="xgboost.XGBClassifier", train__parameters={"random_state": 1}))
    assert "`make extras EXTRAS='lightgbm xgboost'` and commit requirements/extras/chosen.txt" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"train__estimator": "lightgbm.LGBMRanker"}, "did you mean 'lightgbm.LGBM"),
        ({**LGBM, "train__parameters": {"random_state": 1, "num_leafs": 3}}, "did you mean 'num_leaves'?"),
        ({**LGBM, "train__parameters": {"random_state": 1, "machines": "a:1"}}, "no parameter 'machines'"),
        ({"train__estimator": "lightgbm.LGBMRegressor", "train__parameters": {"random_state": 1}}, "is made for no cl"),
    ],
)
def test_a_wrong_name(root: Path, change: dict[str, Any], problem: str) -> None:
    """Exit 10, with the nearest name; what would read files or reach other machines is no parameter."""
    with pytest.raises(ConfigurationError) as caught:
        train.build(read(root, **change))
    assert problem in str(caught.value)


def test_a_seed_is_asked_for(root: Path) -> None:
    """As of scikit-learn's estimators: exit 42, by the library's name of the class."""
    with pytest.raises(RetrainRefused, match=r"lightgbm\.LGBMClassifier has random_state=None"):
        train.build(read(root, **LGBM, train__parameters={"n_estimators": 5}))


def test_monotone_by_the_name_of_a_column(root: Path) -> None:
    """A column that may only push up does so, whatever the preprocessing calls its place."""
    parameters = {"random_state": 1, "n_estimators": 20, "min_child_samples": 2, "monotone_constraints": {"a": 1}}
    params = read(root, **LGBM, train__parameters=parameters, train__preprocessing__text__steps=ENCODED)
    model = train.fit(train.complete(params), FRAME, TARGET)
    line = pd.DataFrame({"a": np.linspace(-3, 3, 50), "b": "x"})
    assert (np.diff(model.predict_proba(line)[:, 1]) >= 0).all()
    free = train.fit(
        train.complete(
            read(
                root,
                **LGBM,
                train__parameters={**parameters, "monotone_constraints": None},
                train__preprocessing__text__steps=ENCODED,
            )
        ),
        FRAME,
        TARGET,
    )
    assert (np.diff(free.predict_proba(line)[:, 1]) < 0).any()
