"""A metric of the user's own, from its function in features/ to the verdict."""

from __future__ import annotations

import json

import pytest

from pipeline.params.yaml12 import read
from tests.pipeline.repository import Repository, stages

MODULE = '''
import numpy as np


def virginica(target: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> float:
    """Euros a row: 2 for each virginica, less 1 for each flower that is called so."""
    called = answers == "virginica"
    return float(np.average(2.0 * (target == "virginica") * called - called, weights=weights))
'''


@pytest.mark.story
def test_a_metric_of_ones_own_tunes_and_passes_the_gate(again: Repository) -> None:
    """It decides the search, is measured with its interval, and judged by the gate; the report says what it is.

    Another direction of the metric that the search goes by is another training; of another metric it is none.
    """
    (again.path / "features/money.py").write_text(MODULE, encoding="utf-8")
    values = read(again.path / "params.yaml")
    metrics = {
        "euros": {"function": "features.money.virginica", "better": "more"},
        "f_quarter": {"f_beta": 0.25},
    }
    again.params(
        evaluate={**values["evaluate"], "metrics": metrics},
        train__tune={**values["train"]["tune"], "method": "grid", "metric": "euros", "folds": 3},
        gate__thresholds={"euros": {"min": 0.1}, "f_quarter": {"min": 0.8}},
    )
    again.done("dvc", "repro")
    tuned = json.loads(again.read("build/tuned.json"))
    assert (tuned["metric"], tuned["score"]) == ("euros", max(trial["score"] for trial in tuned["trials"]))
    measured = json.loads(again.read("reports/metrics.json"))
    assert measured["euros"]["low"] <= measured["euros"]["value"] <= measured["euros"]["high"] <= 1
    verdict = json.loads(again.read("build/verdict.json"))
    assert verdict["passed"]
    assert {"thresholds.euros", "thresholds.f_quarter"} <= {rule["rule"] for rule in verdict["rules"]}
    assert "function features.money.virginica; more is better" in again.read("reports/report.md")

    metrics["f_quarter"] = {"f_beta": 0.5}
    again.params(evaluate={**values["evaluate"], "metrics": metrics})
    assert not {"tune", "train"} & set(stages(again.done("dvc", "repro", "evaluate")))
    metrics["euros"]["better"] = "less"
    again.params(evaluate={**values["evaluate"], "metrics": metrics})
    assert "tune" in stages(again.done("dvc", "repro", "evaluate"))
    tuned = json.loads(again.read("build/tuned.json"))
    assert tuned["score"] == min(trial["score"] for trial in tuned["trials"])
