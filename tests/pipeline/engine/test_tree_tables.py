"""Models of trees: ONNX Runtime answers few rows, trees in numpy many, and both the same to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from artifact import golden
from artifact.engines import engine
from artifact.engines.engine import Engine, runner
from artifact.engines.table import GRAPH, ONNX, SKLEARN, TREE_TABLES, TREES
from artifact.errors import GoldenError
from artifact.load import load
from artifact.save import save
from pipeline.engine import conversion, costs, tree_tables
from pipeline.engine.costs import Cost
from tests.pipeline.engine.conversion import NUMBERS, OTHERS, ROWS, SCORE, THREE, TWO, chosen

BOTH = [ONNX, TREES]


@pytest.fixture
def all_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trees serve from five rows on, however small the model."""
    monkeypatch.setattr(tree_tables, "cost", lambda fitted: Cost(1e3, 0.0))
    monkeypatch.setattr(conversion, "cost", lambda fitted: Cost(0.0, 200.0))
    monkeypatch.setattr(costs, "PAYS", 1.0)


@pytest.mark.usefixtures("all_engines")
@pytest.mark.parametrize(
    ("inputs", "target", "steps"),
    [
        (NUMBERS[:2], THREE, [RandomForestClassifier(9, random_state=0)]),
        (NUMBERS[:2], SCORE, [StandardScaler(), ExtraTreesRegressor(5, max_depth=4, random_state=0)]),
        (NUMBERS, THREE, [HistGradientBoostingClassifier(max_iter=4)]),
        (NUMBERS, TWO, [SimpleImputer(), GradientBoostingClassifier(n_estimators=5)]),
    ],
    ids=["forest", "regression", "histogram booster with gaps", "booster"],
)
def test_two_engines(inputs: Any, target: np.ndarray, steps: list[Any]) -> None:
    """Both are chosen, are proved, and give the same bits, so that company decides nothing but the time."""
    choice, signature, model, columns = chosen(inputs, target, *steps)
    assert choice.engines == (Engine(ONNX, True, 5), Engine(TREES, True))
    assert not choice.refusals
    assert "up to 5 rows" in choice.in_words()
    graph, trees = (runner(name, choice.files, signature) for name in BOTH)
    served = choice.runner(b"", signature)
    for size in (1, 5, 6, ROWS):
        few = {name: values[:size] for name, values in columns.items()}
        assert served.predict(few).equals(graph.predict(few))
        assert served.predict(few).equals(trees.predict(few))
    assert choice.files == {**conversion.write(b"", model, signature), **tree_tables.write(b"", model, signature)}


@pytest.mark.usefixtures("all_engines")
def test_an_engine_with_another_last_bit_does_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs from the first engine by one bit would make an answer depend on its company."""
    result = tree_tables.of

    def off_by_a_bit(*arguments: Any) -> dict[str, np.ndarray]:
        arrays = result(*arguments)
        return {**arrays, "values": np.nextafter(arrays["values"], 2.0)}

    monkeypatch.setattr(tree_tables, "of", off_by_a_bit)
    choice, *_ = chosen(NUMBERS[:2], SCORE, ExtraTreesRegressor(5, random_state=0))
    assert choice.engines == (Engine(ONNX, True),)
    assert list(choice.files) == [GRAPH]
    assert choice.refusals == {TREES: "its answers are not to the bit those of onnxruntime"}


@pytest.mark.usefixtures("all_engines")
def test_golden_requests_are_asked_of_both(tmp_path: Path) -> None:
    """An artifact of both loads, and is refused where the one for many rows answers the golden rows otherwise."""
    choice, signature, _, columns = chosen(NUMBERS[:2], SCORE, ExtraTreesRegressor(5, random_state=0))
    digest = save(
        tmp_path / "artifact",
        name="m",
        model=b"never read",
        engines=choice.engines,
        files=choice.files,
        signature=signature,
        train=columns,
        holdout=columns,
        golden_rows=3,
        data_digest="sha256-" + "0" * 64,
        parameters={},
        metrics={},
    )
    loaded = load(tmp_path / "artifact", expected_digest=digest)
    assert loaded.manifest.engine == "onnxruntime+trees"
    assert loaded.runner.predict(columns).equals(choice.runner(b"", signature).predict(columns))
    other, *_ = chosen(NUMBERS[:2], SCORE + 1, ExtraTreesRegressor(5, random_state=0))
    recorded = golden.read((tmp_path / "artifact" / golden.FILE).read_bytes())
    mixed = engine.serving(choice.engines, {**choice.files, TREE_TABLES: other.files[TREE_TABLES]}, signature, None)
    with pytest.raises(GoldenError, match="prediction is"):
        golden.replay(signature, mixed, recorded)


def test_by_the_rule() -> None:
    """A large forest gets both engines, a small one and other models one; scikit-learn serves trees without a graph."""
    large, *_ = chosen(NUMBERS[:2], THREE, RandomForestClassifier(60, random_state=0))
    assert [engine.name for engine in large.engines] == BOTH
    for small in (RandomForestClassifier(2, max_depth=2, random_state=0), LogisticRegression()):
        choice, *_ = chosen(NUMBERS[:2], THREE, small)
        assert choice.engines == (Engine(ONNX, True),)
        assert not choice.refusals
    categories = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0])
    choice, *_ = chosen(OTHERS[:1], TWO, categories)
    assert choice.name == SKLEARN
    assert "categorical features has no form" in choice.refusals[ONNX]
