"""Each transformer, encoder and estimator in a graph computes what scikit-learn does; what has no form is named."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier

from artifact.engines.engine import runner
from artifact.engines.table import GRAPH, MODEL, ONNX, SKLEARN
from pipeline.engine import conversion
from pipeline.engine.graph import NoGraph
from tests.pipeline.engine.conversion import NUMBERS, OTHERS, ROWS, SCORE, THREE, TWO, chosen, equal

FILL = SimpleImputer()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "steps",
    [
        (FILL, StandardScaler(with_mean=False)),
        (StandardScaler(with_std=False), FILL),
        (FILL, MinMaxScaler((-1, 3))),
        (FILL, MinMaxScaler(clip=True)),
        (FILL, MaxAbsScaler()),
        (RobustScaler(), FILL),
        (FILL, RobustScaler(with_centering=False, with_scaling=False)),
        (SimpleImputer(strategy="median", add_indicator=True),),
        (SimpleImputer(strategy="constant", fill_value=-7.0), FunctionTransformer()),
        (FILL, PolynomialFeatures(3)),
        (FILL, StandardScaler(), PolynomialFeatures(2, interaction_only=True, include_bias=False)),
        (FILL, StandardScaler(), PolynomialFeatures((2, 3), include_bias=False)),
        (FILL, PCA(2, whiten=True)),
        (FILL, TruncatedSVD(2, random_state=0)),
        (FILL, SelectKBest(k=2)),
        (FILL, VarianceThreshold(0.1), None),
        (
            FILL,
            FeatureUnion([("s", StandardScaler()), ("p", PCA(1)), ("o", "passthrough")], transformer_weights={"p": 2}),
        ),
        (ColumnTransformer([("c", FILL, ["c"]), ("gone", "drop", ["a"])], remainder=StandardScaler()),),
        (FILL, ColumnTransformer([("one", StandardScaler(), [2, 0])], remainder="passthrough")),
        (
            FILL,
            ColumnTransformer(
                [("s", StandardScaler(), [0]), ("o", "passthrough", [1])],
                remainder=MinMaxScaler(),
                transformer_weights={"s": 2.5, "o": 0.5, "remainder": 3},
            ),
        ),
    ],
    ids=lambda steps: " ".join(type(step).__name__ for step in steps),
)
def test_transformers(steps: tuple[Any, ...]) -> None:
    """Numbers, of which one may be missing, behind each transformer."""
    choice, signature, model, _ = chosen(NUMBERS, TWO, *steps, LogisticRegression(max_iter=2000))
    assert equal(choice)
    assert choice.files[GRAPH] == conversion.convert(model, signature), "the same model gives the same bytes"
    assert choice.engines[0].batching


ENCODERS = [
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(handle_unknown="ignore", drop="first", sparse_output=False),
    OneHotEncoder(handle_unknown="ignore", drop="if_binary"),
    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=30),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=-5),
    TargetEncoder(random_state=0),
]


TARGETS = {"two": TWO, "three": THREE, "number": SCORE}
# Only the form of a TargetEncoder depends on the target.
ENCODED = [(encoder, "two") for encoder in ENCODERS] + [
    (ENCODERS[0], "number"),
    (ENCODERS[-1], "three"),
    (ENCODERS[-1], "number"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("encoder", "classes"), ENCODED, ids=str)
def test_encoders(encoder: Any, classes: str) -> None:
    """Texts, whole numbers and booleans that may be missing; known and unknown categories, rare and dropped ones."""
    target = TARGETS[classes]
    fill = SimpleImputer() if isinstance(encoder, OrdinalEncoder) else "passthrough"
    columns = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b", "c"]),
            ("e", make_pipeline(encoder, fill), ["t", "n", "u", "ok"]),
        ]
    )
    estimator = LinearRegression() if target.dtype.kind == "f" else DecisionTreeClassifier(max_depth=6, random_state=0)
    choice, *_ = chosen(NUMBERS + OTHERS, target, columns, estimator)
    assert equal(choice)


def test_texts_may_pass_an_imputer() -> None:
    """Texts that may not be missing go through an imputer of missing values unchanged."""
    steps = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    choice, *_ = chosen(OTHERS[2:], TWO, ColumnTransformer([("t", steps, ["u", "t"])]), LogisticRegression())
    assert equal(choice)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((FILL, PowerTransformer(), LogisticRegression()), "PowerTransformer has no form"),
        ((FILL, FunctionTransformer(np.cbrt), LogisticRegression()), "FunctionTransformer of cbrt has no form"),
        ((FILL, BaggingClassifier(random_state=0, n_estimators=2)), "BaggingClassifier has no form"),
        (
            (FILL, GradientBoostingClassifier(init=LogisticRegression(), n_estimators=2)),
            "begins with LogisticRegression",
        ),
    ],
    ids=["transformer", "function", "estimator", "start"],
)
@pytest.mark.filterwarnings("ignore")
def test_what_has_no_form_is_named(steps: tuple[Any, ...], says: str) -> None:
    """The reason names the part of the Pipeline."""
    choice, signature, model, _ = chosen(NUMBERS, TWO, *steps)
    assert choice.name == SKLEARN
    assert says in choice.refusals[ONNX]
    with pytest.raises(NoGraph, match=says):
        conversion.convert(model, signature)


def test_labels_alone_are_scikit_learns() -> None:
    """Without probabilities a graph could not say which rows it has no answer for."""
    from sklearn.svm import LinearSVC

    for estimator in (LinearSVC(), SGDClassifier(random_state=0)):
        choice, *_ = chosen(NUMBERS[:2], TWO, StandardScaler(), estimator)
        assert choice.name == SKLEARN
        assert "labels without probabilities" in choice.refusals[ONNX]


def test_company_changes_no_bit() -> None:
    """Exponentials of an odd number of rows are computed as those of an even one: three classes, tables of any size."""
    choice, signature, _, columns = chosen(NUMBERS[:2], THREE, StandardScaler(), LogisticRegression())
    assert choice.engines[0].batching
    engine = choice.runner(b"", signature)
    together = engine.predict(columns).probabilities
    assert together is not None
    for size in range(1, 8):
        for first in range(0, ROWS - size, size):
            part = {name: values[first : first + size] for name, values in columns.items()}
            alone = engine.predict(part).probabilities
            assert alone is not None
            assert alone.tobytes() == together[first : first + size].tobytes()
    for size in (511, 512, 513):  # columns of more rows come side by side in another way
        longer = engine.predict({name: np.resize(values, size) for name, values in columns.items()}).probabilities
        assert longer is not None
        assert longer.tobytes() == np.resize(together, longer.shape).tobytes()


def test_a_graph_is_never_handed_the_pickle() -> None:
    """What was proved answers alone: other bytes for model.joblib change no answer."""
    choice, signature, model, columns = chosen(NUMBERS[:2], SCORE, StandardScaler(), Ridge())
    stream = BytesIO()
    joblib.dump(Pipeline(model.steps), stream)
    with_model = runner(ONNX, {MODEL: stream.getvalue(), GRAPH: choice.files[GRAPH]}, signature).predict(columns)
    without = runner(ONNX, {GRAPH: choice.files[GRAPH]}, signature).predict(columns)
    assert with_model.values.tolist() == without.values.tolist()
