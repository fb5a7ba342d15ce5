"""Scores taken apart: shares belong to the inputs, add up to the score, and what cannot be taken apart is named."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, RidgeClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, SplineTransformer, StandardScaler
from sklearn.svm import SVC

from artifact.engines import boosted
from artifact.errors import ConfigurationError, IncompatibleError, IntegrityError
from artifact.explanation.background import Background
from artifact.explanation.explainer import Explainer, behind, parts
from artifact.signature import Feature, Signature, for_model
from artifact.validation.frame import columns
from pipeline.packaging.explaining import background_of

RANDOM = np.random.default_rng(4)
ROWS = 150
TABLE = pd.DataFrame(
    {
        "size": RANDOM.normal(size=ROWS),
        "age": RANDOM.normal(size=ROWS),
        "city": RANDOM.choice(["Bonn", "Åbo", "東京"], ROWS),
        "rooms": RANDOM.integers(1, 6, ROWS),
        "noise": RANDOM.normal(size=ROWS),
    }
)
BONN = TABLE["city"].eq("Bonn")
RAW = TABLE["size"] + BONN * 2 + TABLE["rooms"] / 3 + RANDOM.normal(0, 0.3, ROWS)
TABLE.loc[::7, "age"] = np.nan
TWO = np.where(RAW.median() < RAW, "yes", "no").astype(object)
THREE = np.array(["low", "mid", "top"], dtype=object)[np.digitize(RAW, RAW.quantile([0.3, 0.7]))]
COUNTS = np.exp(RAW / 3).to_numpy()
INPUTS = (
    Feature("size", "float64"),
    Feature("age", "float64", nullable=True),
    Feature("city", "string"),
    Feature("rooms", "int64"),
    Feature("noise", "float64"),
)
FEW = {"n_estimators": 8, "random_state": 1}


def fitted(estimator: Any, target: Any, numbers: Any = None) -> tuple[Pipeline, Signature]:
    """A Pipeline as params.yaml describes one: blocks of columns, then the estimator."""
    steps = numbers or Pipeline([("step1", SimpleImputer(add_indicator=True)), ("step2", StandardScaler())])
    blocks = [
        ("numbers", steps, ["size", "age", "noise"]),
        ("city", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city"]),
        ("rooms", SplineTransformer(), ["rooms"]),
    ]
    model = Pipeline([("preprocessing", ColumnTransformer(blocks)), ("estimator", estimator)]).fit(TABLE, target)
    number = np.asarray(target).dtype != object
    described = for_model(
        "regression" if number else "classification", INPUTS, Feature("y", "float64" if number else "string"), model
    )
    return model, described


def explained(estimator: Any, target: Any) -> tuple[Background, Any, np.ndarray, Any]:
    model, signature = fitted(estimator, target)
    result = background_of(model, signature, columns(TABLE), columns(TABLE))
    result = Background.from_bytes(result.to_bytes())
    before, last = parts(model)
    return result, Explainer(model, signature, result).explain(columns(TABLE)), behind(before, TABLE), last


LOGIT = "log-odds"
SHAP = pytest.mark.story  # the import of shap takes seconds
CASES: list[Any] = [
    (LogisticRegression(), TWO, "linear", LOGIT, ("yes",)),
    (LogisticRegression(), THREE, "linear", LOGIT, ("low", "mid", "top")),
    (RidgeClassifier(), TWO, "linear", "score", ("yes",)),
    (PoissonRegressor(), COUNTS, "linear", "log of the target", ("prediction",)),
    pytest.param(*(RandomForestClassifier(**FEW), TWO, "trees", "probability", ("yes",)), marks=SHAP),
    pytest.param(*(GradientBoostingClassifier(**FEW), TWO, "trees", LOGIT, ("yes",)), marks=SHAP),
    pytest.param(
        *(
            HistGradientBoostingRegressor(max_iter=8, loss="poisson"),
            COUNTS,
            "trees",
            "log of the target",
            ("prediction",),
        ),
        marks=SHAP,
    ),
    (boosted.estimator("lightgbm.LGBMClassifier", FEW), THREE, "trees", LOGIT, ("low", "mid", "top")),
    (boosted.estimator("xgboost.XGBRegressor", FEW), RAW.to_numpy(), "trees", "target", ("prediction",)),
]


@pytest.mark.parametrize(
    ("estimator", "target", "method", "scale", "outputs"), CASES, ids=lambda value: str(value)[:24]
)
def test_shares_add_up(estimator: Any, target: Any, method: str, scale: str, outputs: tuple[str, ...]) -> None:
    """Base and shares are the score that scikit-learn itself gives, on the scale that is named, and on no other."""
    result, explanation, numbers, last = explained(estimator, target)
    assert (result.method, result.scale, result.outputs) == (method, scale, outputs)
    assert explanation.contributions.shape == (ROWS, len(outputs), len(INPUTS))
    scores = explanation.scores
    if scale == "log-odds":
        odds = np.exp(scores) if len(outputs) > 1 else np.exp(np.column_stack([0 * scores, scores]))
        assert odds / odds.sum(axis=1, keepdims=True) == pytest.approx(last.predict_proba(numbers), abs=1e-6)
    elif scale == "probability":
        assert scores[:, 0] == pytest.approx(last.predict_proba(numbers)[:, 1], abs=1e-9)
    elif scale == "score":
        assert scores[:, 0] == pytest.approx(last.decision_function(numbers), abs=1e-9)
    else:
        answers = last.predict(numbers)
        due = np.log(answers) if scale == "log of the target" else answers
        assert scores[:, 0] == pytest.approx(due, abs=1e-5)
    worth = np.abs(explanation.contributions).mean(axis=(0, 1))
    assert min(worth[0], worth[2]) > 2 * worth[4], "size and city decide, noise does not"


def test_a_linear_share_is_exact() -> None:
    """The coefficient times the distance from the mean; what an encoder or an indicator adds counts for its column."""
    target = RAW.to_numpy()
    _, explanation, numbers, last = explained(LinearRegression(), target)
    each = (numbers - numbers.mean(axis=0)) * last.coef_
    # size, age and noise, whether age is missing, three cities, and the splines of rooms.
    groups = [[0], [1, 3], [4, 5, 6], list(range(7, numbers.shape[1])), [2]]
    due = np.column_stack([each[:, group].sum(axis=1) for group in groups])
    assert explanation.contributions[:, 0] == pytest.approx(due, abs=1e-9)
    assert explanation.base[0] == pytest.approx(target.mean())


@pytest.mark.parametrize(
    ("estimator", "numbers", "says"),
    [
        (SVC(), None, "SVC is neither linear nor made of trees"),
        (LogisticRegression(), Pipeline([("i", SimpleImputer()), ("p", PCA(2))]), "mixes size, age, noise into one"),
        (LogisticRegression(), Pipeline([("i", SimpleImputer()), ("p", PolynomialFeatures())]), "mixes size, age into"),
    ],
)
def test_what_cannot_be_taken_apart(estimator: Any, numbers: Any, says: str) -> None:
    """Exit 10 at packaging, with the part that is why and the remedy."""
    model, signature = fitted(estimator, TWO, numbers)
    with pytest.raises(ConfigurationError, match=says) as caught:
        background_of(model, signature, columns(TABLE), columns(TABLE))
    assert "set it to false" in str(caught.value)


def test_powers_of_one_column() -> None:
    """A product of a column with itself is still that column's share, and the constant nobody's."""
    powers = Pipeline([("i", SimpleImputer()), ("p", PolynomialFeatures(1)), ("s", StandardScaler())])
    model, signature = fitted(LogisticRegression(), TWO, powers)
    background_of(model, signature, columns(TABLE), columns(TABLE))


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees of scikit-learn need shap; without it the remedy is the one command."""
    model, signature = fitted(RandomForestClassifier(**FEW), TWO)
    result = Background("trees", "probability", ("yes",))
    monkeypatch.setitem(sys.modules, "shap", None)  # as where it is not installed
    with pytest.raises(IncompatibleError, match="make extras EXTRAS='shap'"):
        Explainer(model, signature, result)


@pytest.mark.parametrize(
    "text", ['{"method": "linear"}', '{"method": "x", "scale": "score", "outputs": ["a"], "means": []}', "[1]", "{"]
)
def test_another_file(text: str) -> None:
    """A background that nobody writes is refused with 20."""
    with pytest.raises(IntegrityError):
        Background.from_bytes(text.encode())


def test_shares_that_do_not_add_up() -> None:
    """Another model than the background's: no share is told."""
    model, signature = fitted(LogisticRegression(), TWO)
    result = background_of(model, signature, columns(TABLE), columns(TABLE))
    explainer = Explainer(model, signature, result)
    model.steps[-1][1].intercept_ += 1.0
    with pytest.raises(ValueError, match="do not add up"):
        explainer.explain(columns(TABLE))
