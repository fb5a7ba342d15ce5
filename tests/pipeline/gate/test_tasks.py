"""Each kind of task on real parts: trained, judged, packaged, compared with a champion of its kind, and reported."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from artifact.load import load
from pipeline.engine import convert
from pipeline.evaluation import evaluate
from pipeline.gate import gate, measure
from pipeline.packaging import package
from pipeline.params import params
from pipeline.report import report
from pipeline.shared import best_parameters, paths
from pipeline.training import train, tune
from tests.zoo import build as zoo
from tests.zoo.configuration import FEW, LOGISTIC, SCALE, SEED, Configuration, mixed, numbers, part
from tests.zoo.several import CLASSES, LABELS, PRICES, between, classes, labels, outliers

pytestmark = pytest.mark.story

STRONG, WEAK = {"n_estimators": 40, "max_depth": 4, **SEED}, {"max_depth": 1}
SHY = {"estimator": part("linear_model.LogisticRegression", C=0.001, **SEED)}
FOREST, EACH, LINE = "ensemble.RandomForestClassifier", "multioutput.MultiOutputClassifier", "linear_model.Ridge"
# A model, what makes it a weaker one, the metric that params.yaml declares, and a row of the report's table of targets.
TASKS: list[tuple[Configuration, dict[str, Any], dict[str, Any], str]] = [
    (classes(mixed(FOREST, CLASSES, **STRONG)), WEAK, {"f_beta": 0.5}, "kind = low"),
    (labels(numbers(EACH, LABELS, SCALE, estimator=LOGISTIC)), SHY, {"f_beta": 0.5}, "mean of near"),
    (numbers(LINE, PRICES, SCALE, alpha=1.0, **SEED), {"alpha": 1e5}, {"pinball": 0.5}, "mean of price"),
    (
        between(numbers("ensemble.GradientBoostingRegressor", "price", SCALE, n_estimators=15, **SEED)),
        {"n_estimators": 1},
        {"pinball": 0.9},
        "mean",
    ),
]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder that stages run in; this process comes back from it."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def trained(configuration: Configuration, declared: dict[str, Any], tables: Path) -> str:
    """All stages of one training but champion and track, in this process; the digest of the artifact."""
    zoo._write_params(configuration)
    value = yaml.safe_load(params.PARAMS.read_text(encoding="utf-8"))
    value["evaluate"]["metrics"] = {"mine": declared}
    value["gate"]["champion"] = {"metric": "mine", "margin": 0.1, "slice_margin": 5.0, "rows": 20}
    params.PARAMS.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), encoding="utf-8")
    zoo._prepare(configuration, tables)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for stage in (tune, train, convert, evaluate):
            stage.main([])
    read = best_parameters.read(params.load())
    digest = package._save(read, paths.ARTIFACT, package._modules(read))
    paths.INPUTS.write_text(json.dumps({"inputs_digest": digest, "data_digest": digest}), encoding="utf-8")
    return digest


def outcome_against(champion: str | None) -> str:
    """The outcome of the gate against the artifact with this digest in build/champion, and the report written."""
    release = None if champion is None else {"digest": champion, "uri": f"s3://modelpin/models/zoo/{champion}/"}
    record = {"schema_version": 1, "model": zoo.NAME, "environment": "staging", "champion": release, "quarantined": []}
    paths.CHAMPION_RECORD.write_text(json.dumps(record), encoding="utf-8")
    for stage in (measure, gate, report):
        stage.main([])
    return str(json.loads(paths.VERDICT.read_text(encoding="utf-8"))["outcome"])


@pytest.mark.parametrize(
    ("configuration", "weaker", "declared", "row"), TASKS, ids=["classes", "labels", "numbers", "interval"]
)
def test_a_task_through_the_gate(
    root: Path, configuration: Configuration, weaker: dict[str, Any], declared: dict[str, Any], row: str
) -> None:
    """First deployment, then a better challenger, then a worse one, by a metric that params.yaml declares itself.

    The report has the target, the metric and the comparison; the artifact answers offline what it was judged by.
    """
    weak = replace(configuration, parameters={**configuration.parameters, **weaker})
    first = trained(weak, declared, root / "tables")
    assert outcome_against(None) == "first-deployment"
    shutil.copytree(paths.ARTIFACT, paths.CHAMPION)
    second = trained(configuration, declared, root / "tables")
    assert outcome_against(first) in ("better", "equivalent")
    comparison = json.loads(paths.COMPARISON.read_text(encoding="utf-8"))
    assert comparison["metric"] == "mine"
    assert comparison["differences"]["mine"]["value"] > 0
    page = paths.REPORT.read_text(encoding="utf-8")
    assert f"| {row} |" in page
    assert "mine" in page
    loaded = load(paths.ARTIFACT, expected_digest=second)
    assert [output.name for output in loaded.signature.outputs]
    shutil.rmtree(paths.CHAMPION)
    shutil.copytree(paths.ARTIFACT, paths.CHAMPION)
    trained(weak, declared, root / "tables")
    assert outcome_against(second) == "worse"


def test_outliers_that_nobody_can_find(root: Path) -> None:
    """A detector whose known outliers are like the other rows is compared as any, and is as good as another."""
    model = outliers("ensemble.IsolationForest", SCALE, **FEW)
    first = trained(
        replace(model, parameters={**model.parameters, "max_features": 1}), {"f_beta": 2.0}, root / "tables"
    )
    assert outcome_against(None) == "first-deployment"
    shutil.copytree(paths.ARTIFACT, paths.CHAMPION)
    trained(model, {"f_beta": 2.0}, root / "tables")
    outcome_against(first)
    comparison = json.loads(paths.COMPARISON.read_text(encoding="utf-8"))
    assert comparison["metric"] == "mine"
    assert comparison["differences"]["mine"]["low"] < 0 < comparison["differences"]["mine"]["high"]
