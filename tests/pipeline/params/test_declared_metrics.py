"""Metrics of evaluate.metrics: a free beta, a quantile, and a function of features/."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn import metrics as reference

from artifact.errors import ConfigurationError
from artifact.prediction import Prediction
from pipeline.params import metrics
from tests.pipeline.params.test_params import read

PAGE = (Path(__file__).parents[3] / "docs/models.md").read_text(encoding="utf-8")
RANDOM = np.random.default_rng(9)
CLASSES = np.array(["no", "yes"], dtype=object)
TARGET = CLASSES[RANDOM.integers(0, 2, 200)]
CHANCES = RANDOM.dirichlet([1, 1], 200)
ANSWERS = Prediction(CLASSES[CHANCES.argmax(axis=1)], CHANCES)
WEIGHTS = RANDOM.integers(0, 4, 200).astype(float)
REVENUE = {"function": "features.money.revenue", "better": "more"}
HOUSES = {
    "model__task": "regression",
    "schema__y": {"dtype": "float64"},
    "prepare__split__method": "random",
    "gate__thresholds": {"late": {"max": 9.0}},
    "evaluate__metrics": {"late": {"pinball": 0.9}},
}


def brier(target: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> float:
    """As scikit-learn has it, from probabilities."""
    return float(reference.brier_score_loss(target == "yes", answers[:, 1], sample_weight=weights))


def text(target: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> str:
    """No number."""
    return "much"


@pytest.fixture(autouse=True)
def money(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of features/ as a user would write it, with the function of the page."""
    module = ModuleType("features.money")
    (example,) = re.findall(r"```python\n(def revenue.*?)```", PAGE, re.S)
    exec(example, vars(module) | {"np": np}, vars(module))
    vars(module).update(brier=brier, text=text)
    monkeypatch.setitem(sys.modules, "features.money", module)


def measured(tmp_path: Path, declared: dict[str, Any]) -> dict[str, float]:
    """Each metric of a classification that declares these, weighted as a resample weighs the rows."""
    catalogue = read(tmp_path, evaluate__metrics=declared).catalogue
    result = metrics.measures("classification", TARGET, ANSWERS, CLASSES, catalogue)
    return {name: measure(WEIGHTS) for name, measure in result.items()}


def test_a_free_beta_and_functions(tmp_path: Path) -> None:
    """F-beta is scikit-learn's; a function gets the labels of the table or the probabilities, and the weights."""
    declared = {
        "f_quarter": {"f_beta": 0.25},
        "revenue": REVENUE,
        "own_brier": {"function": "features.money.brier", "better": "less", "probabilities": True},
    }
    result = measured(tmp_path, declared)
    options = {"beta": 0.25, "pos_label": "yes", "sample_weight": WEIGHTS}
    assert result["f_quarter"] == pytest.approx(reference.fbeta_score(TARGET, ANSWERS.values, **options))
    assert result["own_brier"] == pytest.approx(result["brier"])
    content, right = ANSWERS.values == "yes", TARGET == "yes"
    euros = 50 * WEIGHTS[content & right].sum() - 5 * WEIGHTS[content].sum()
    assert result["revenue"] == pytest.approx(euros / WEIGHTS.sum())


def test_the_pinball_loss_is_scikit_learns(tmp_path: Path) -> None:
    """Of one target, and the mean of several; it judges slices by its own loss."""
    catalogue = read(tmp_path, **HOUSES, gate__champion={"metric": "late", "margin": 1.0}).catalogue
    for shape in [(200,), (200, 3)]:
        target, values = RANDOM.normal(size=shape), RANDOM.normal(size=shape)
        result = metrics.measures("regression", target, Prediction(values), np.empty(0), catalogue)["late"](WEIGHTS)
        expected = reference.mean_pinball_loss(target, values, sample_weight=WEIGHTS, alpha=0.9)
        assert result == pytest.approx(expected)
        loss, costs = metrics.losses("late", "regression", target, Prediction(values), np.empty(0), catalogue)
        assert (loss.name, np.average(costs, weights=WEIGHTS)) == ("pinball loss", pytest.approx(result))


def test_the_declared_names_stand_wherever_a_metric_does(tmp_path: Path) -> None:
    """Gate, search and thresholds take them; the model depends on those that a search or thresholds are tuned by."""
    search = {"method": "random", "metric": "f_quarter", "trials": 3, "folds": 3, "seed": 1}
    (page,) = re.findall(r"```yaml\n(evaluate:\n  metrics.*?)```", PAGE, re.S)
    declared = yaml.safe_load(page)["evaluate"]["metrics"]
    assert set(declared) == {"f_quarter", "late", "revenue"}
    params = read(
        tmp_path,
        evaluate__metrics={"f_quarter": declared["f_quarter"], "revenue": REVENUE},
        gate__thresholds={"revenue": {"min": 1.0}},
        gate__champion={"metric": "revenue", "margin": 2.0, "slice_margin": 0.1},
        train__tune={**search, "space": {"estimator__C": [1, 2]}},
        train__decision={"metric": "revenue"},
    )
    assert params.gate.champion.compared("classification", True, params.catalogue) == ("revenue", 2.0, 0.1)
    assert set(params.deciding_metrics) == {"f_quarter", "revenue"}
    assert read(tmp_path, evaluate__metrics={"revenue": REVENUE}).deciding_metrics == {}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"evaluate__metrics": {"f1": {"f_beta": 3.0}}}, "that no metric has yet"),
        ({"evaluate__metrics": {"rows": {"f_beta": 3.0}}}, "that no metric has yet"),
        ({"evaluate__metrics": {"a b": {"f_beta": 3.0}}}, "a name of small letters"),
        ({"evaluate__metrics": {"x": {"f_beta": 0}}}, "evaluate.metrics.x.f_beta is 0, expected above 0|above 0"),
        ({"evaluate__metrics": {"x": {"f_beta": 3.0, "pinball": 0.5}}}, "one of f_beta, pinball and function"),
        ({"evaluate__metrics": {"x": {"pinball": 0.5}}}, "no metric of a classification"),
        ({**HOUSES, "evaluate__metrics": {"late": {"f_beta": 0.5}}}, "no metric of a regression"),
        ({"evaluate__metrics": {"x": {"f_beta": 0.5, "better": "more"}}}, "only of a function it is not known"),
        ({"evaluate__metrics": {"x": {"function": "features.money.revenue"}}}, "better is None, expected more or less"),
        ({"evaluate__metrics": {"x": {**REVENUE, "function": "os.system"}}}, "expected a function of features/"),
        ({"evaluate__metrics": {"x": {**REVENUE, "function": "features.money.none"}}}, "expected a function of"),
        ({"evaluate__metrics": {"x": {**REVENUE, "function": "features.nope.f"}}}, "importing features.nope fails"),
        ({"evaluate__metrics": {"x": {"f_beta": 0.5, "probabilities": True}}}, "it is for functions"),
        ({**HOUSES, "gate__champion": {"metric": "late"}}, "margin is missing: late is in the units of the target"),
        (
            {"evaluate__metrics": {"x": REVENUE}, "gate__champion": {"metric": "x", "margin": 1.0}},
            "slice_margin is missing: slices are judged by share wrong",
        ),
        ({"evaluate__metrics": {"x": REVENUE}, "gate__floor": {"metric": "x"}}, "gate.floor.metric is 'x'"),
        ({"train__tune": {"method": "none", "metric": "acuracy"}}, "did you mean 'accuracy'"),
    ],
)
def test_is_refused(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    """What has no meaning is refused by its place before anything runs."""
    with pytest.raises(ConfigurationError, match=says):
        read(tmp_path, **changes)


def test_a_function_that_fails_is_named(tmp_path: Path) -> None:
    """Not a traceback: the function, what it did, and what it has to do."""
    with pytest.raises(
        ConfigurationError, match=r"the metric features\.money\.text fails: ValueError.*returns a number"
    ):
        measured(tmp_path, {"x": {"function": "features.money.text", "better": "less"}})
