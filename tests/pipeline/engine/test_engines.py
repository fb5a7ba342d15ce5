"""Which engine an artifact gets: ONNX Runtime only where it is proved equal to scikit-learn."""

from __future__ import annotations

import functools
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, is_regressor
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import all_estimators

from artifact.engines.engine import runner
from artifact.engines.table import GRAPH, MODEL, ONNX, SKLEARN
from artifact.load import load
from artifact.prediction import Columns
from artifact.save import save
from artifact.signature import Feature, Signature, for_model
from artifact.tolerance import differing
from artifact.validation import frame
from artifact.validation.column import LARGEST
from pipeline.engine import conversion, engines
from pipeline.engine.choice import Choice
from pipeline.engine.probes import Probes

DOCS = Path(__file__).parents[3] / "docs/predictor.md"
ROWS = 400
RANDOM = np.random.default_rng(7)
INPUTS = (
    Feature("size (m²)", "float64", nullable=True),
    Feature("age", "int64", range=(0, 120)),
    Feature("smoker", "bool"),
    Feature("city", "string"),
)
COLUMNS: dict[str, list[Any]] = {
    "size (m²)": [None if value < -1 else value for value in RANDOM.normal(size=ROWS).tolist()],
    "age": RANDOM.integers(0, 90, ROWS).tolist(),
    "smoker": RANDOM.integers(0, 2, ROWS).astype(bool).tolist(),
    "city": RANDOM.choice(["Bonn", "東京", "Åbo"], ROWS).tolist(),
}
SCORE = np.array([(value or 0) + age / 30 for value, age in zip(COLUMNS["size (m²)"], COLUMNS["age"], strict=True)])


def fitted(
    estimator: BaseEstimator, target: Any, inputs: tuple[Feature, ...] = INPUTS, scale: bool = True
) -> tuple[bytes, Any, Signature, Any]:
    """(bytes, model, signature, columns) of a Pipeline as params.yaml makes them."""
    task = "regression" if np.asarray(target).dtype.kind == "f" else "classification"
    table = frame.of(Signature(task, inputs, ()), {feature.name: COLUMNS[feature.name] for feature in inputs})
    texts = [feature.name for feature in inputs if feature.dtype == "string"]
    numbers = [feature.name for feature in inputs if feature.dtype != "string"]
    preprocessing = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), *([StandardScaler()] if scale else [])), numbers),
            ("texts", OneHotEncoder(handle_unknown="ignore"), texts),
        ]
    )
    model = make_pipeline(preprocessing, estimator).fit(table, target)
    dtype = {"f": "float64", "i": "int64", "b": "bool", "O": "string"}[np.asarray(target).dtype.kind]
    stream = BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue(), model, for_model(task, inputs, Feature("y", dtype), model), frame.columns(table)


def choose(data: bytes, model: Any, signature: Signature, table: Columns) -> Choice:
    """The engine for a model that is proved on one table."""
    return engines.choose(data, model, signature, train=table, holdout=table)


TEXTS = np.array(["low", "high"], dtype=object)[(SCORE > 1.5).astype(int)]


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (LogisticRegression(), TEXTS),
        (LogisticRegression(), SCORE > 1.5),
        (RandomForestClassifier(20, random_state=0), (SCORE > 1.5).astype(np.int64)),
        (RandomForestRegressor(20, random_state=0), SCORE + 100),
        (Ridge(), SCORE + 100),
    ],
    ids=["text labels", "bool labels", "forest", "forest regression", "ridge"],
)
def test_onnx_where_it_is_equal(estimator: BaseEstimator, target: Any) -> None:
    """Mixed columns, missing numbers and every kind of label: the same labels, numbers within the tolerance."""
    data, model, signature, holdout = fitted(estimator, target, scale=not hasattr(estimator, "n_estimators"))
    choice = choose(data, model, signature, holdout)
    assert (choice.engines[0].name, choice.refusals) == (ONNX, {})
    assert conversion.convert(model, signature) == choice.files[GRAPH], "the same model gives the same bytes"
    served = runner(ONNX, {MODEL: data, GRAPH: choice.files[GRAPH]}, signature).predict(holdout)
    exact = runner(SKLEARN, {MODEL: data}, signature).predict(holdout)
    assert served.values.dtype.kind == exact.values.dtype.kind
    for output in signature.outputs:
        before, now = (
            answer.values if output.name != "probabilities" else answer.probabilities for answer in (exact, served)
        )
        assert not len(differing(output.name, before.tolist(), now.tolist(), 1e-12))


def test_scikit_learn_for_what_cannot_be_converted() -> None:
    """A function that a graph does not have: the reason says so."""
    inputs = INPUTS[:1]
    data, _, signature, holdout = fitted(LogisticRegression(), TEXTS, inputs)
    table = frame.from_columns(signature, holdout).fillna(0)
    odd = make_pipeline(FunctionTransformer(np.cbrt), SimpleImputer(), LogisticRegression()).fit(table, TEXTS)
    assert "FunctionTransformer of cbrt has no form" in choose(data, odd, signature, holdout).refusals[ONNX]


def test_company(tmp_path: Path) -> None:
    """A forest answers a row alone as it does among others; the manifest says so, for the batches of the predictor."""
    data, model, signature, holdout = fitted(RandomForestClassifier(20, random_state=0), TEXTS, scale=False)
    exact = runner(SKLEARN, {MODEL: data}, signature)
    assert engines._batch_invariant(exact, holdout)
    choice = choose(data, model, signature, holdout)
    arguments: dict[str, Any] = {"data_digest": "sha256-" + "0" * 64, "parameters": {}, "metrics": {}, "golden_rows": 4}
    digest = save(
        tmp_path / "artifact",
        name="m",
        model=data,
        engines=choice.engines,
        files=choice.files,
        signature=signature,
        train=holdout,
        holdout=holdout,
        **arguments,
    )
    loaded = load(tmp_path / "artifact", expected_digest=digest)
    assert (loaded.manifest.engine, loaded.manifest.batching) == (choice.name, choice.engines[0].batching)
    assert "onnxruntime" in loaded.manifest.libraries
    assert not len(differing("label", exact.predict(holdout).values, loaded.runner.predict(holdout).values))


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        (["smoker", "size (m²)", "age"], ["city"]),
        (slice("size (m²)", "smoker"), [3]),
        (slice(0, 3), slice(3, 4)),
        ([True, True, True, False], make_column_selector(dtype_include=object)),
    ],
    ids=["names", "slice of names", "places", "mask and callable"],
)
def test_every_way_to_select_columns(numbers: Any, texts: Any) -> None:
    """However a ColumnTransformer names its columns, and whatever it leaves to the remainder, it is converted."""
    table = frame.of(Signature("classification", INPUTS, ()), COLUMNS)
    encode, scale = OneHotEncoder(handle_unknown="ignore"), make_pipeline(SimpleImputer(), StandardScaler())
    signature = None
    for parts, rest in (([("n", scale, numbers), ("t", encode, texts)], "drop"), ([("t", encode, texts)], scale)):
        model = make_pipeline(ColumnTransformer(parts, remainder=rest), LogisticRegression()).fit(table, TEXTS)
        stream = BytesIO()
        joblib.dump(model, stream)
        signature = signature or for_model("classification", INPUTS, Feature("y", "string"), model)
        choice = choose(stream.getvalue(), model, signature, frame.columns(table))
        assert (choice.engines[0].name, choice.refusals) == (ONNX, {})


def test_an_estimator_without_preprocessing() -> None:
    """Columns of numbers that go to the estimator as they are: the converter is given them as one."""
    inputs = (Feature("size (m²)", "float64"), Feature("age", "int64"))
    columns = {"size (m²)": np.nan_to_num(np.array(COLUMNS["size (m²)"], float)), "age": COLUMNS["age"]}
    table = frame.of(Signature("classification", inputs, ()), columns)
    model = make_pipeline(RandomForestClassifier(20, random_state=0)).fit(table, TEXTS)
    stream = BytesIO()
    joblib.dump(model, stream)
    signature = for_model("classification", inputs, Feature("y", "string"), model)
    choice = choose(stream.getvalue(), model, signature, frame.columns(table))
    assert (choice.engines[0].name, choice.refusals) == (ONNX, {})


def kinds(text: str) -> list[str]:
    """The estimators that docs/predictor.md names in the paragraph that begins with `text`."""
    section = DOCS.read_text(encoding="utf-8").partition("## Engines")[2].partition("\n## ")[0]
    [paragraph] = [part for part in section.split("\n\n") if part.startswith(text)]
    matches = re.findall(r"`([A-Z]\w+)`", paragraph)
    assert matches
    return matches


@functools.cache
def estimators() -> dict[str, Any]:
    """The classes of scikit-learn by name."""
    return dict(all_estimators())


def chosen(name: str, scale: bool) -> Choice:
    """What serves the estimator `name`, fitted on numbers: the two first columns may be missing for boosting."""
    estimator = estimators()[name]()
    few = {"random_state": 0, "n_estimators": 9, "max_iter": 50, "min_samples_leaf": 5}
    estimator.set_params(**{key: value for key, value in few.items() if key in estimator.get_params()})
    task, target = ("regression", SCORE + 9) if is_regressor(estimator) else ("classification", TEXTS)
    values = np.random.default_rng(1).normal(size=(3, ROWS)) + SCORE
    holds_gaps = name.startswith("Hist") and not scale
    if holds_gaps:
        values[:2, ::9] = np.nan
    inputs = tuple(Feature(column, "float64", nullable=holds_gaps) for column in "abc")
    columns = dict(zip("abc", values, strict=True))
    table = frame.of(Signature(task, inputs, ()), columns)
    model = make_pipeline(*([StandardScaler()] if scale else []), estimator).fit(table, target)
    stream = BytesIO()
    joblib.dump(model, stream)
    signature = for_model(task, inputs, Feature("y", "float64" if task == "regression" else "string"), model)
    return choose(stream.getvalue(), model, signature, columns)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", kinds("Proved equal"))
def test_kinds_that_onnx_serves(name: str) -> None:
    """What docs/predictor.md says of each kind of model is so."""
    both = chosen(name, scale=False), chosen(name, scale=True)
    assert [(choice.engines[0].name, choice.refusals) for choice in both] == [(ONNX, {})] * 2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", kinds("Fall back to scikit-learn"))
def test_kinds_that_fall_back(name: str) -> None:
    """What docs/predictor.md says of each kind of model is so."""
    assert chosen(name, scale=True).name == SKLEARN


def test_a_booster_of_one_leaf() -> None:
    """Trees that never branch, three classes, whole numbers for labels: the same probabilities to the last bits."""
    table = pd.DataFrame({"a": np.arange(60.0)})
    model = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=50).fit(table, np.arange(60) % 3)
    signature = for_model("classification", (Feature("a", "float64"),), Feature("y", "int64"), model)
    stream = BytesIO()
    joblib.dump(model, stream)
    served = runner(ONNX, {MODEL: b"", GRAPH: conversion.convert(model, signature)}, signature)
    exact = runner(SKLEARN, {MODEL: stream.getvalue()}, signature)
    columns = {"a": np.array([0.0, 30.0])}
    assert served.predict(columns).values.tolist() == exact.predict(columns).values.tolist()
    np.testing.assert_allclose(
        served.predict(columns).probabilities, exact.predict(columns).probabilities, rtol=0, atol=1e-15
    )


def test_probes_hold_the_edges() -> None:
    """The rows of the proof: training and held-out rows; each number at its ends and those that training saw, denormal,
    beyond 2^24 and between two float32; each gap, each category; and such values in several columns at once.
    """
    _, model, signature, holdout = fitted(LogisticRegression(), TEXTS)
    few = {name: values[:50] for name, values in holdout.items()}
    probes = Probes.of(signature, model, holdout, few)
    assert (probes.rows["training"], probes.rows["held out"], probes.real, probes.training) == (
        ROWS,
        50,
        ROWS + 50,
        ROWS,
    )
    assert sum(probes.rows.values()) == sum(len(lot["age"]) for lot in probes.lots())
    cases = probes.edge_cases
    sizes = cases["size (m²)"]
    assert {5e-324, 16777217.0, LARGEST, -LARGEST, np.nanmax(holdout["size (m²)"])} <= set(sizes.tolist())
    assert np.isnan(sizes).any()
    assert (sizes.astype(np.float32) != sizes).any()
    assert {0, 120, holdout["age"].max()} <= set(cases["age"].tolist())
    assert max(cases["age"]) <= 120
    assert {"never seen in training", "", "Bonn", "東京", "Åbo"} <= set(cases["city"].tolist())
    extreme = (np.abs(sizes) == LARGEST) & (cases["age"] == 120)
    assert extreme.sum() > 1


def test_a_long_table_is_sampled() -> None:
    """Of many training rows a fixed number is tried, evenly spaced; all held-out rows are."""
    _, model, signature, holdout = fitted(LogisticRegression(), TEXTS)
    many = {name: np.resize(values, 25_000) for name, values in holdout.items()}
    probes = Probes.of(signature, model, many, holdout)
    assert (probes.rows["training"], probes.training, probes.rows["held out"]) == (10_000, 25_000, ROWS)
