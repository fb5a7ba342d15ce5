"""Each transformer, encoder and estimator in a graph computes what scikit-learn does; what has no form is named."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import joblib
import numpy as np
import onnx
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
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

from artifact.engines.engine import GRAPH, ONNX, SKLEARN, runner
from artifact.engines.engine import MODEL as FILE
from artifact.prediction import Columns
from artifact.signature import Feature, Signature, for_model
from artifact.validation import frame
from pipeline.engine import engines
from pipeline.engine.choice import Choice
from pipeline.engine.graph import NoGraph

ROWS = 300
RANDOM = np.random.default_rng(2)
NUMBERS = tuple(Feature(name, "float64", nullable=name == "c") for name in "abc")
OTHERS = (
    Feature("n", "int64", range=(0, 9)),
    Feature("ok", "bool", nullable=True),
    Feature("t", "string"),
    Feature("u", "string"),
)
TABLE: dict[str, Any] = {
    "a": RANDOM.normal(1e4, 1, ROWS),
    "b": RANDOM.lognormal(0, 2, ROWS),
    "c": np.where(RANDOM.random(ROWS) < 0.2, np.nan, RANDOM.normal(size=ROWS)),
    "n": RANDOM.integers(0, 5, ROWS),
    "ok": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.integers(0, 2, ROWS)),
    "t": RANDOM.choice(np.array(["x", "y", "z", "東京"], dtype=object), ROWS, p=[0.6, 0.3, 0.08, 0.02]),
    "u": RANDOM.choice(np.array(["p", "q"], dtype=object), ROWS),
}
SCORE = (TABLE["a"] - 1e4) + np.log(TABLE["b"]) + (TABLE["t"] == "y") + TABLE["n"] / 5 + RANDOM.normal(size=ROWS)
THREE = np.array(["low", "mid", "high"], dtype=object)[np.digitize(SCORE, np.quantile(SCORE, [0.3, 0.7]))]
TWO = np.greater(SCORE, np.median(SCORE))


def chosen(inputs: tuple[Feature, ...], target: np.ndarray, *steps: Any) -> tuple[Choice, Signature, Any, Columns]:
    """The engine of a Pipeline of `steps`, with what it was chosen for."""
    task = "regression" if target.dtype.kind == "f" else "classification"
    dtype = {"f": "float64", "i": "int64", "b": "bool", "O": "string"}[target.dtype.kind]
    columns = {feature.name: TABLE[feature.name] for feature in inputs}
    model = make_pipeline(*steps).fit(frame.from_columns(Signature(task, inputs, ()), columns), target)
    signature = for_model(task, inputs, Feature("target", dtype), model)
    stream = BytesIO()
    joblib.dump(model, stream)
    return (
        engines.choose(stream.getvalue(), model, signature, train=columns, holdout=columns),
        signature,
        model,
        columns,
    )


def equal(choice: Choice) -> bool:
    """Whether a graph was proved, and differs in last bits at most."""
    assert (choice.name, choice.reason) == (ONNX, None)
    assert choice.agreement is not None
    return max(choice.agreement.differences.values()) < 1e-9


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
    assert choice.graph == engines.convert(model, signature), "the same model gives the same bytes"
    assert choice.batching


ENCODERS = [
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(handle_unknown="ignore", drop="first", sparse_output=False),
    OneHotEncoder(handle_unknown="ignore", drop="if_binary"),
    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=30),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=-5),
    TargetEncoder(random_state=0),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", [TWO, THREE, SCORE], ids=["two", "three", "number"])
@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_encoders(encoder: Any, target: np.ndarray) -> None:
    """Texts, whole numbers and booleans that may be missing; known and unknown categories, rare and dropped ones."""
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


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (GradientBoostingClassifier(loss="exponential", n_estimators=9), TWO),
        (GradientBoostingClassifier(n_estimators=9), THREE),
        (GradientBoostingClassifier(init="zero", n_estimators=9), TWO),
        (GradientBoostingRegressor(loss="huber", n_estimators=9), SCORE),
        (HistGradientBoostingClassifier(max_iter=9), THREE),
        (HistGradientBoostingRegressor(loss="poisson", max_iter=9), np.exp(SCORE / 4)),
        (HistGradientBoostingRegressor(loss="gamma", max_iter=9), np.exp(SCORE / 4)),
        (HistGradientBoostingRegressor(loss="quantile", quantile=0.8, max_iter=9), SCORE),
        (RandomForestClassifier(9, max_depth=4, random_state=0), THREE),
        (ExtraTreesClassifier(9, min_samples_leaf=7, random_state=0), TWO.astype(np.int64)),
        (MLPClassifier((5, 3), activation="tanh", max_iter=20, random_state=0), THREE),
        (MLPClassifier((5,), activation="logistic", max_iter=20, random_state=0), TWO),
        (MLPRegressor(hidden_layer_sizes=(5,), activation="identity", max_iter=20, random_state=0), SCORE),
        (DecisionTreeClassifier(max_depth=1), TWO),
    ],
    ids=lambda value: str(value) if hasattr(value, "fit") else "",
)
def test_estimators(estimator: Any, target: np.ndarray) -> None:
    """Losses, links, numbers of classes and leaves of several classes, behind a scaler; alone a missing number, too."""
    assert equal(chosen(NUMBERS, target, SimpleImputer(), StandardScaler(), estimator)[0])
    if "Hist" in type(estimator).__name__ or "Forest" in type(estimator).__name__:
        assert equal(chosen(NUMBERS, target, estimator)[0])


def test_a_tie_has_the_label_that_scikit_learn_gives_it() -> None:
    """At a score of exactly 0 the two kinds of boosting take different sides, as in scikit-learn."""
    inputs = (Feature("a", "float64"),)
    target = (np.arange(ROWS) % 2).astype(np.int64)
    for estimator, label in (
        (GradientBoostingClassifier(n_estimators=1, min_samples_leaf=ROWS // 2 + 1), 1),
        (HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=ROWS), 0),
    ):
        choice, signature, _, columns = chosen(inputs, target, estimator)
        assert equal(choice)
        assert set(choice.runner(b"", signature).predict(columns).values.tolist()) == {label}


def test_trees_compare_float32_with_float64() -> None:
    """The graph casts where trees cast, and looks whether that made a number infinite; thresholds stay in float64.

    Boosting of histograms does not cast.
    """
    for estimator, casts in ((DecisionTreeClassifier(max_depth=2), 4), (HistGradientBoostingClassifier(max_iter=2), 0)):
        choice, *_ = chosen(NUMBERS[:2], TWO, StandardScaler(), estimator)
        assert choice.graph is not None
        graph = onnx.load_model_from_string(choice.graph).graph
        assert [node.op_type for node in graph.node].count("Cast") == casts
        (trees,) = [node for node in graph.node if node.op_type == "TreeEnsemble"]
        (splits,) = [attribute.t for attribute in trees.attribute if attribute.name == "nodes_splits"]
        assert splits.data_type == onnx.TensorProto.DOUBLE
        assert all(value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT for value in graph.input)


def test_pure_leaves_need_no_second_tree() -> None:
    """A forest is written once, however many classes it has, where each leaf has one class only."""
    choice, _, model, _ = chosen(NUMBERS[:2], THREE, RandomForestClassifier(5, bootstrap=False, random_state=0))
    assert choice.graph is not None
    (trees,) = [node for node in onnx.load_model_from_string(choice.graph).graph.node if node.op_type == "TreeEnsemble"]
    (roots,) = [attribute.ints for attribute in trees.attribute if attribute.name == "tree_roots"]
    assert len(roots) == len(model[-1].estimators_) == 5


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((FILL, PowerTransformer(), LogisticRegression()), "PowerTransformer has no form"),
        ((FILL, FunctionTransformer(np.abs), LogisticRegression()), "FunctionTransformer has no form"),
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
    assert says in str(choice.reason)
    with pytest.raises(NoGraph, match=says):
        engines.convert(model, signature)


def test_labels_alone_are_scikit_learns() -> None:
    """Without probabilities a graph could not say which rows it has no answer for."""
    from sklearn.svm import LinearSVC

    choice, *_ = chosen(NUMBERS[:2], TWO, StandardScaler(), LinearSVC())
    assert choice.name == SKLEARN
    assert "labels without probabilities" in str(choice.reason)


def test_company_changes_no_bit() -> None:
    """Exponentials of an odd number of rows are computed as those of an even one: three classes, tables of any size."""
    choice, signature, _, columns = chosen(NUMBERS[:2], THREE, StandardScaler(), LogisticRegression())
    assert choice.batching
    engine = choice.runner(b"", signature)
    together = engine.predict(columns).probabilities
    assert together is not None
    for size in range(1, 8):
        for first in range(0, ROWS - size, size):
            part = {name: values[first : first + size] for name, values in columns.items()}
            alone = engine.predict(part).probabilities
            assert alone is not None
            assert alone.tobytes() == together[first : first + size].tobytes()


def test_a_graph_is_never_handed_the_pickle() -> None:
    """What was proved answers alone: other bytes for model.joblib change no answer."""
    choice, signature, model, columns = chosen(NUMBERS[:2], SCORE, StandardScaler(), Ridge())
    assert choice.graph is not None
    stream = BytesIO()
    joblib.dump(Pipeline(model.steps), stream)
    with_model = runner(ONNX, {FILE: stream.getvalue(), GRAPH: choice.graph}, signature).predict(columns)
    without = runner(ONNX, {GRAPH: choice.graph}, signature).predict(columns)
    assert with_model.values.tolist() == without.values.tolist()
