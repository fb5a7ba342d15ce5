"""The Pipeline is what params.yaml names, or what is wrong with the name is said."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline

from artifact.errors import ConfigurationError, ForbiddenTypeError, RetrainRefused
from pipeline.training import canonical_pickle, components, train
from tests.pipeline.params.test_params import read

FRAME = pd.DataFrame({"a": np.linspace(-1, 1, 40), "b": ["x", "y"] * 20})
TARGET = np.array(["no"] * 20 + ["yes"] * 20, dtype=object)
ENCODED = [{"sklearn.preprocessing.OneHotEncoder": {"handle_unknown": "ignore", "sparse_output": False}}]


NAMES = [
    ("sklearn.linear_model.LogisticRegresion", "did you mean sklearn.linear_model.LogisticRegression?"),
    ("sklearn.linear_models.LogisticRegression", "did you mean sklearn.linear_model.LogisticRegression?"),
    ("LogisticRegression", "such as sklearn.linear_model.LogisticRegression"),
    ("catboost.CatBoostClassifier", "begins with sklearn. or features."),
    ("os.system", "begins with sklearn. or features."),
    ("sklearn.base.os", "which does not exist"),
    ("features.calender.CalendarFeature", "did you mean features.calendar.CalendarFeatures?"),
]


@pytest.mark.parametrize(("name", "hint"), NAMES)
def test_an_unknown_name_gets_the_nearest_one(tmp_path: Path, name: str, hint: str) -> None:
    """Exit 10, and only scikit-learn's and the user's own names are imported at all."""
    with pytest.raises(ConfigurationError) as caught:
        train.build(read(tmp_path, train__estimator=name))
    assert hint in str(caught.value)


PARAMETERS: list[tuple[dict[str, Any], str]] = [
    ({"train__parameters": {"random_state": 1, "max_iters": 5}}, "no parameter 'max_iters'; did you mean 'max_iter'?"),
    ({"train__estimator": "sklearn.linear_model.Ridge"}, "is made for no classification"),
    ({"train__preprocessing__text__steps": ["sklearn.linear_model.LinearRegression"]}, "transforms nothing"),
    (
        {"train__preprocessing__text__steps": [{"sklearn.preprocessing.OneHotEncoder": {"sparse": 1}}]},
        "steps[0]: sklearn.preprocessing",
    ),
]


@pytest.mark.parametrize(("change", "problem"), PARAMETERS)
def test_an_unknown_parameter_gets_the_nearest_one(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    """Exit 10 with the place in params.yaml."""
    with pytest.raises(ConfigurationError) as caught:
        train.build(read(tmp_path, **change))
    assert problem in str(caught.value)


def test_a_value_that_scikit_learn_refuses_is_shown_in_its_words(tmp_path: Path) -> None:
    """Exit 10, not a traceback, for C: -1 and for text that no step encodes."""
    wrong = read(tmp_path, train__parameters={"random_state": 1, "C": -1}, train__preprocessing__text__steps=ENCODED)
    with pytest.raises(ConfigurationError, match="'C' parameter of LogisticRegression"):
        train.fit(train.build(wrong), FRAME, TARGET)
    with pytest.raises(ConfigurationError, match="a text needs an encoder"):
        train.fit(train.build(read(tmp_path)), FRAME, TARGET)


def test_parts_that_stand_in_named_tuples_are_kept(tmp_path: Path) -> None:
    """IterativeImputer holds its estimators in named tuples: it is written, and fills gaps as it did before."""
    imputer = components.build("sklearn.impute.IterativeImputer", {"max_iter": 2, "random_state": 0}, "steps[0]")
    table = np.random.default_rng(0).normal(size=(40, 3))
    table[::5, 1] = np.nan
    model = Pipeline([("imputer", imputer)]).fit(table)
    filled = model.transform(table)
    canonical_pickle.dump(model, tmp_path / "model.joblib")
    assert joblib.load(tmp_path / "model.joblib").transform(table).tobytes() == filled.tobytes()


UNSEEDED: list[tuple[dict[str, Any], str]] = [
    ({"train__parameters": {}}, "LogisticRegression has random_state=None"),
    (
        {
            "train__estimator": "sklearn.ensemble.BaggingClassifier",
            "train__parameters": {"random_state": 1, "estimator": {"sklearn.tree.DecisionTreeClassifier": {}}},
        },
        "estimator.random_state=None",
    ),
    (
        {
            "train__estimator": "sklearn.ensemble.StackingClassifier",
            "train__parameters": {
                "estimators": [["one", {"sklearn.linear_model.LogisticRegression": {"random_state": 1}}]],
                "final_estimator": {"sklearn.linear_model.LogisticRegression": {"random_state": 1}},
                "cv": {"sklearn.model_selection.KFold": {"shuffle": True}},
            },
        },
        "cv.random_state=None",
    ),
    (
        {"train__preprocessing__text__steps": ["sklearn.preprocessing.KBinsDiscretizer"]},
        "train.preprocessing.text.steps[0]: KBinsDiscretizer has random_state=None",
    ),
]


@pytest.mark.parametrize(("change", "problem"), UNSEEDED)
def test_an_unseeded_part_is_refused(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    """Exit 42 names the parameter, however deep, and the remedy."""
    with pytest.raises(RetrainRefused) as caught:
        train.build(read(tmp_path, **change))
    assert problem in str(caught.value)
    assert "whole number" in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        (
            {"estimator": {"sklearn.cluster.MeanShift": {}}},
            "sklearn.cluster._mean_shift.MeanShift, which is not on the list of artifact/unpickling/allowed_types",
        ),
        (
            {"estimator": {"sklearn.linear_model.Ridge": {"random_state": 1}}, "importance_getter": "fit.__globals__"},
            "importance_getter to 'fit.__globals__'",
        ),
    ],
)
def test_what_no_predictor_would_load_is_refused_before_training(
    tmp_path: Path, parameters: dict[str, Any], says: str
) -> None:
    """Exit 21 names the type, or the value, and the file where a type is added."""
    steps = [*ENCODED, {"sklearn.feature_selection.SelectFromModel": parameters}]
    with pytest.raises(ForbiddenTypeError) as caught:
        train.build(read(tmp_path, train__preprocessing__text__steps=steps))
    assert says in str(caught.value)


DRAWS = {
    "np.random.normal()": "np.random",
    "np.random.seed(1)": "np.random",
    "np.random.default_rng().normal()": r"np.random.default_rng\(\) without a seed",
    "random.random()": "the module random",
    "random.Random(1).random() + np.random.default_rng(1).normal() + np.random.RandomState(1).normal()": None,
}


@pytest.mark.parametrize("draw", DRAWS)
def test_what_no_parameter_seeds_is_refused(tmp_path: Path, draw: str) -> None:
    """Exit 42 for a transformer that draws from a global generator, or from one that the machine seeds."""

    class Noisy(TransformerMixin, BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Any:
            eval(draw, {"np": np, "random": random})
            return self

        def transform(self, X: Any) -> Any:
            return X

    params = read(tmp_path, train__preprocessing__text__steps=ENCODED)
    model = Pipeline([("noisy", Noisy()), *train.build(params).steps])
    if DRAWS[draw] is None:
        train.fit(model, FRAME, TARGET)
        return
    with pytest.raises(RetrainRefused, match=f"drew random numbers from {DRAWS[draw]}"):
        train.fit(model, FRAME, TARGET)


def test_a_splitter_that_draws_nothing_needs_no_seed(tmp_path: Path) -> None:
    """KFold without shuffling is the same each time."""
    parameters = {
        "estimators": [["one", {"sklearn.linear_model.LogisticRegression": {"random_state": 1}}]],
        "final_estimator": {"sklearn.linear_model.LogisticRegression": {"random_state": 1}},
        "cv": {"sklearn.model_selection.KFold": {"n_splits": 3}},
    }
    params = read(tmp_path, train__estimator="sklearn.ensemble.StackingClassifier", train__parameters=parameters)
    assert train.build(params)[-1].cv.n_splits == 3


def test_workers_leave_no_trace_in_the_model(tmp_path: Path) -> None:
    """n_jobs decides how long training takes; the bytes of the model are those of one worker."""
    dumped = []
    for workers in (None, 1, 2):
        params = read(
            tmp_path,
            train__estimator="sklearn.ensemble.RandomForestClassifier",
            train__parameters={"random_state": 1, "n_estimators": 5, "n_jobs": workers},
            train__preprocessing__text__steps=ENCODED,
        )
        stream = io.BytesIO()
        joblib.dump(train.fit(train.build(params), FRAME, TARGET), stream)
        dumped.append(stream.getvalue())
    assert dumped[0] == dumped[1] == dumped[2]


def test_experimental_parts_of_scikit_learn_have_names_too() -> None:
    """IterativeImputer, which scikit-learn hides behind an import, can be named."""
    assert components.build("sklearn.impute.IterativeImputer", {"random_state": 1}, "here").random_state == 1
