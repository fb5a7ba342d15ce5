"""The proof compares only what the engine itself answered, and says what it did not."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, is_classifier
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from artifact.engines.engine import runner
from artifact.engines.table import GRAPH, MODEL, ONNX, SKLEARN
from artifact.prediction import Columns, Prediction, Runner
from artifact.signature import Feature, Signature, for_model
from artifact.validation import frame
from pipeline.engine import conversion, engines, equality
from pipeline.engine.agreement import Agreement
from pipeline.engine.probes import Probes

INPUTS = (Feature("day", "float64"), Feature("area", "float64"))


def sold(count: int = 400) -> tuple[Columns, np.ndarray]:
    """Days as numbers, areas in m², and a price."""
    random = np.random.default_rng(7)
    days, areas = random.integers(18_000, 20_501, count).astype(float), random.uniform(30, 300, count)
    return {"day": days, "area": areas}, 200 + 3 * areas + np.sin(days / 300) * 90 + random.normal(size=count) * 30


def fitted(estimator: BaseEstimator, *before: BaseEstimator) -> tuple[bytes, Any, Signature, Columns]:
    """(bytes, model, signature, columns) of a Pipeline on those numbers: the price, or whether it is high."""
    columns, price = sold()
    kind: tuple[Any, Any] = ("regression", price)
    if is_classifier(estimator):
        kind = ("classification", np.where(price > np.median(price), "high", "low").astype(object))
    task, target = kind
    model = make_pipeline(*before, estimator).fit(frame.from_columns(Signature(task, INPUTS, ()), columns), target)
    stream = BytesIO()
    joblib.dump(model, stream)
    dtype = "float64" if task == "regression" else "string"
    return stream.getvalue(), model, for_model(task, INPUTS, Feature("y", dtype), model), columns


def agreement(model: Any, signature: Signature, columns: Columns, exact: Runner, candidate: Runner) -> Agreement:
    """What the proof says of `candidate`."""
    return equality.compare(signature, exact, candidate, Probes.of(signature, model, columns, columns))


class Without:
    """An engine whose answers for rows with `column` over (or below) a bound are not finite."""

    def __init__(self, engine: Runner, bound: float, column: str = "area", below: bool = False) -> None:
        self._engine, self._bound, self._column, self._below = engine, bound, column, below

    def predict(self, columns: Columns) -> Prediction:
        prediction = self._engine.predict(columns)
        assert prediction.probabilities is not None
        values = columns[self._column]
        gone = values < self._bound if self._below else values > self._bound
        return Prediction(prediction.values, np.where(gone[:, None], np.nan, prediction.probabilities))


@pytest.mark.parametrize(
    "estimator",
    [LinearDiscriminantAnalysis(), LinearRegression(), Ridge(), QuadraticDiscriminantAnalysis()],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.filterwarnings("ignore")
def test_cubes_of_great_numbers(estimator: BaseEstimator) -> None:
    """Products that float32 overflows, or cannot tell apart: whichever engine is chosen gives scikit-learn's answers.

    With a graph in float32 a day and an area without a range were served 0.89 where scikit-learn says 0.74.
    """
    data, model, signature, columns = fitted(estimator, PolynomialFeatures(degree=3, include_bias=False))
    choice = engines.choose(data, model, signature, train=columns, holdout=columns)
    served, exact = choice.runner(data, signature).predict(columns), runner(SKLEARN, {MODEL: data}, signature)
    expected = exact.predict(columns)
    assert served.values.tolist() == expected.values.tolist() or signature.task == "regression"
    if signature.task == "regression":
        np.testing.assert_allclose(served.values, expected.values, rtol=1e-9)
    else:
        np.testing.assert_allclose(served.probabilities, expected.probabilities, rtol=0, atol=1e-9)
    if ONNX in choice.agreements and not choice.refusals:
        assert choice.agreements[ONNX].unanswered == 0
        assert choice.agreements[ONNX].compared >= 800


def test_a_graph_of_another_model_is_not_equal() -> None:
    """A difference is named with a row and both answers."""
    data, model, signature, columns = fitted(LogisticRegression(C=1.0), StandardScaler())
    _, other, _, _ = fitted(LogisticRegression(C=0.9), StandardScaler())
    graph = runner(ONNX, {GRAPH: conversion.convert(other, signature)}, signature)
    output = agreement(model, signature, columns, runner(SKLEARN, {MODEL: data}, signature), graph)
    assert "differs on" in str(output.problem)
    assert "for day = " in str(output.problem)
    assert output.differences["probabilities"] > 1e-6


def test_an_engine_that_answers_nothing_is_not_proved() -> None:
    """Nothing was compared, and nothing is equal to nothing."""
    data, model, signature, columns = fitted(LogisticRegression(), StandardScaler())
    exact = runner(SKLEARN, {MODEL: data}, signature)
    output = agreement(model, signature, columns, exact, Without(exact, -np.inf))
    assert (output.compared, output.neither) == (0, 0)
    assert output.unanswered == sum(output.rows.values())
    assert "no finite answer" in str(output.problem)
    assert agreement(model, signature, columns, exact, exact).problem is None


def test_unanswered_rows_are_counted() -> None:
    """One row that scikit-learn alone answers is one too many: it is counted, shown, and scikit-learn is chosen."""
    data, model, signature, columns = fitted(LogisticRegression(), StandardScaler())
    exact = runner(SKLEARN, {MODEL: data}, signature)
    probes = Probes.of(signature, model, columns, columns)
    bound = float(np.sort(columns["area"])[-2])
    beyond = sum(int((lot["area"] > bound).sum()) for lot in probes.lots())
    output = equality.compare(signature, exact, Without(exact, bound), probes)
    assert (output.unanswered, output.compared) == (beyond, sum(output.rows.values()) - beyond)
    assert f"no finite answer on {beyond} of" in str(output.problem)
    assert f"{beyond} rows that scikit-learn answers are unanswered" in output.in_words()
    assert "where scikit-learn has no finite answer" in str(
        equality.compare(signature, Without(exact, bound), exact, probes).problem
    )


def test_too_few_rows_are_no_proof() -> None:
    """Rows that neither answers prove nothing: no real row may be among them, and no more than half of all."""
    data, model, signature, columns = fitted(LogisticRegression(), StandardScaler())
    exact = runner(SKLEARN, {MODEL: data}, signature)
    both = Without(exact, float(np.max(columns["area"])))
    output = agreement(model, signature, columns, both, both)
    assert output.neither > 0
    assert output.problem is None
    less = Without(exact, float(np.min(columns["area"])))
    assert "of training or held out, have no finite answer" in str(
        agreement(model, signature, columns, less, less).problem
    )
    few = {name: values[:1] for name, values in columns.items()}
    assert agreement(model, signature, few, exact, exact).problem is None
    barely = exact
    for name, values in few.items():
        barely = Without(Without(barely, float(values[0]), name), float(values[0]), name, below=True)
    assert "at least 50% are needed" in str(agreement(model, signature, few, barely, barely).problem)


def test_what_overflows_in_both_is_answered_by_neither() -> None:
    """A Poisson regression has no finite answer for great numbers: the graph has none either, and is proved."""
    data, model, signature, columns = fitted(PoissonRegressor(max_iter=300), StandardScaler())
    with np.errstate(over="ignore"):
        choice = engines.choose(data, model, signature, train=columns, holdout=columns)
    assert (choice.engines[0].name, choice.refusals) == (ONNX, {})
    assert choice.agreements[ONNX].neither > 0
    answer = choice.runner(data, signature).predict({"day": np.array([1e30]), "area": np.array([1e30])})
    assert answer.finite().tolist() == [False]


def test_one_huge_answer_excuses_no_other() -> None:
    """Numbers are compared with their own size, or the mean size of real answers: not that of answers to extremes."""
    data, model, signature, columns = fitted(LinearRegression())
    exact = runner(SKLEARN, {MODEL: data}, signature)

    class Off:
        def predict(self, columns: Columns) -> Prediction:
            return Prediction(exact.predict(columns).values + 0.01, None)

    output = agreement(model, signature, columns, exact, Off())
    assert "prediction differs on" in str(output.problem)


def test_the_words_and_the_json_of_an_agreement() -> None:
    """What was counted comes back from JSON as it was, and stands in the sentence for the report."""
    data, model, signature, columns = fitted(LogisticRegression(), StandardScaler())
    choice = engines.choose(data, model, signature, train=columns, holdout=columns)
    assert Agreement.from_dict(choice.agreements[ONNX].to_dict()) == choice.agreements[ONNX]
    for word in (
        f"{choice.agreements[ONNX].compared} rows",
        "0 labels differ",
        "probabilities differ by at most",
        "400 of 400 training rows",
    ):
        assert word in choice.in_words()


class Beside:
    """An engine whose answers are off by `share` of them."""

    def __init__(self, engine: Runner, share: float) -> None:
        self._engine, self._share = engine, share

    def predict(self, columns: Columns) -> Prediction:
        return Prediction(self._engine.predict(columns).values * (1 + self._share), None)


@pytest.mark.parametrize(("share", "proved"), [(5e-7, False), (1e-9, True)])
def test_a_margin(share: float, proved: bool) -> None:
    """An engine that is off by nearly what answers may differ is not proved: rows that nobody tried are off by more."""
    data, model, signature, columns = fitted(LinearRegression())
    exact = runner(SKLEARN, {MODEL: data}, signature)
    problem = agreement(model, signature, columns, exact, Beside(exact, share)).problem
    assert (problem is None) is proved
