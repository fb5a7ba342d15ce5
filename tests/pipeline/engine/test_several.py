"""Models that answer several numbers, labels, an interval or a score are graphs, too, and proved as any other."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import HistGradientBoostingRegressor, IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDOneClassSVM
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from artifact.engines.engine import runner
from artifact.engines.quantile_interval import QuantileInterval
from artifact.engines.table import MODEL, ONNX, SKLEARN
from artifact.signature import Feature, Signature, for_model
from artifact.tolerance import differing
from artifact.validation import frame
from pipeline.engine import engines
from pipeline.engine.choice import Choice
from tests.pipeline.engine.conversion import RANDOM, ROWS

pytestmark = pytest.mark.story  # dozens of conversions

INPUTS = tuple(Feature(name, "float64") for name in "abc")
COLUMNS = dict(zip("abc", RANDOM.normal(size=(3, ROWS)), strict=True))
NUMBERS = np.column_stack([100 + COLUMNS["a"] - COLUMNS["b"], 7 * COLUMNS["c"] + RANDOM.normal(size=ROWS)])
LABELS = (NUMBERS + RANDOM.normal(size=(ROWS, 2)) > [100, 0]).astype(np.int64)
NAMES = (Feature("first", "float64"), Feature("second", "float64"))
FLAGS = (Feature("first", "bool"), Feature("second", "bool"))
BOOSTED = HistGradientBoostingRegressor(max_iter=5)
LOGISTIC = LogisticRegression()


def chosen(task: str, targets: Any, answers: Any, estimator: Any) -> tuple[Choice, bytes, Signature]:
    table = frame.from_columns(Signature(task, INPUTS, ()), COLUMNS)
    model = make_pipeline(StandardScaler(), estimator).fit(table, answers)
    signature = for_model(task, INPUTS, targets, model)
    stream = BytesIO()
    joblib.dump(model, stream)
    data = stream.getvalue()
    return engines.choose(data, model, signature, train=COLUMNS, holdout=COLUMNS), data, signature


@pytest.mark.parametrize(
    ("task", "targets", "answers", "estimator"),
    [
        ("regression", NAMES, NUMBERS, Ridge()),
        ("regression", NAMES, NUMBERS, DecisionTreeRegressor(max_depth=3)),
        ("regression", NAMES, NUMBERS, MultiOutputRegressor(BOOSTED)),
        ("regression", NAMES, NUMBERS, RegressorChain(Ridge(), order=[1, 0])),
        ("regression", NAMES[:1], NUMBERS[:, 0], QuantileInterval(BOOSTED)),
        ("multilabel", FLAGS, LABELS, RandomForestClassifier(5, random_state=1)),
        ("multilabel", FLAGS, LABELS, MultiOutputClassifier(LOGISTIC)),
        ("multilabel", FLAGS, LABELS, ClassifierChain(LOGISTIC, order=[1, 0], chain_method="predict_proba")),
        ("multilabel", FLAGS, LABELS, MLPClassifier([4], max_iter=20, random_state=1)),
        ("outliers", (), None, IsolationForest(n_estimators=9, max_features=2, random_state=1)),
        ("outliers", (), None, EllipticEnvelope(random_state=1)),
        ("outliers", (), None, SGDOneClassSVM(nu=0.1, random_state=1)),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
@pytest.mark.filterwarnings("ignore")
def test_several_answers_from_one_graph(task: str, targets: Any, answers: Any, estimator: Any) -> None:
    """Each output has the name, shape and values of scikit-learn's, one row and many."""
    choice, data, signature = chosen(task, targets, answers, estimator)
    assert ONNX not in choice.refusals
    assert SKLEARN not in choice.name
    served = choice.runner(data, signature)
    exact = runner(SKLEARN, {MODEL: data}, signature)
    for rows in (slice(None), slice(1)):
        some = {name: values[rows] for name, values in COLUMNS.items()}
        before, now = exact.predict(some), served.predict(some)
        for output in signature.outputs:
            expected, actual = before.array(output.name), now.array(output.name)
            assert (expected.shape, expected.dtype) == (actual.shape, actual.dtype)
            assert not len(differing(output.name, expected.tolist(), actual.tolist(), 1e-9))


def test_chains_that_jump_are_no_graph() -> None:
    """Where the next of a chain sees a label, or is a tree, the last bit of one answer decides of another."""
    for task, targets, answers, chain in (
        ("multilabel", FLAGS, LABELS, ClassifierChain(LOGISTIC)),
        ("regression", NAMES, NUMBERS, RegressorChain(DecisionTreeRegressor(max_depth=3))),
    ):
        choice, _, _ = chosen(task, targets, answers, chain)
        assert "rounded otherwise" in choice.refusals[ONNX]


@pytest.mark.filterwarnings("ignore")
def test_labels_without_probabilities_are_no_graph() -> None:
    """Of several labels without a number nobody could say which rows have an answer: the reason says so."""
    choice, _, _ = chosen("multilabel", FLAGS, LABELS, MultiOutputClassifier(LinearSVC()))
    assert "labels without probabilities" in choice.refusals[ONNX]
