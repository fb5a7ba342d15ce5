"""The gate says yes and no, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from artifact.errors import ConfigurationError
from pipeline import gate
from tests.pipeline.repository import Repository
from tests.pipeline.test_params import read

INPUTS = {"inputs_digest": "sha256-" + "1" * 64, "data_digest": "sha256-" + "2" * 64}
MODEL = "sha256-" + "3" * 64
METRICS: dict[str, Any] = {
    "rows": 10,
    "accuracy": {"value": 0.93, "low": 0.9, "high": 1.0},
    "log_loss": {"value": 0.3, "low": 0.2, "high": 0.4},
    "roc_auc": {"value": None, "low": None, "high": None},
}


def decide(tmp_path: Path, thresholds: dict[str, Any]) -> dict[str, Any]:
    return gate.decide(read(tmp_path, gate__thresholds=thresholds), METRICS, INPUTS, MODEL)


OUTCOMES: list[tuple[dict[str, Any], str, str]] = [
    ({"accuracy": {"min": 0.93}}, "passed", "accuracy 0.93 is at least 0.93"),
    ({"accuracy": {"min": 0.931}}, "failed", "accuracy 0.93 is below 0.931"),
    ({"log_loss": {"max": 0.3}}, "passed", "log_loss 0.3 is at most 0.3"),
    ({"log_loss": {"max": 0.29}}, "failed", "log_loss 0.3 is above 0.29"),
    ({"accuracy": {"min": 0.5, "max": 0.9}}, "failed", "accuracy 0.93 is above 0.9"),
    ({"accuracy": {"min": 0.5}, "roc_auc": {"min": 0.5}}, "failed", "roc_auc is not defined on this holdout, min 0.5"),
]


@pytest.mark.parametrize(("thresholds", "outcome", "reason"), OUTCOMES)
def test_each_rule_decides(tmp_path: Path, thresholds: dict[str, Any], outcome: str, reason: str) -> None:
    """At the threshold passes, beyond it fails, a metric without a value fails; the reason is one sentence."""
    verdict = decide(tmp_path, thresholds)
    assert verdict["outcome"] == outcome
    assert verdict["reason"] == reason


def test_the_verdict_names_what_it_speaks_of(tmp_path: Path) -> None:
    """Release compares the digest with the artifact it is about to publish."""
    verdict = decide(tmp_path, {"accuracy": {"min": 0.9}})
    assert {key: verdict[key] for key in ("schema_version", "model", "model_digest", *INPUTS)} == {
        "schema_version": 1,
        "model": "toy",
        "model_digest": MODEL,
        **INPUTS,
    }
    assert verdict["rules"] == [{"metric": "accuracy", "min": 0.9, "value": 0.93, "passed": True}]


def test_a_rule_on_a_metric_that_the_model_does_not_have_is_refused(tmp_path: Path) -> None:
    """A model without probabilities has no log loss to gate."""
    with pytest.raises(ConfigurationError, match="use one of accuracy"):
        gate.decide(
            read(tmp_path, gate__thresholds={"log_loss": {"max": 1}}), {"accuracy": METRICS["accuracy"]}, INPUTS, MODEL
        )


def test_enforcing_ends_with_41(again: Repository) -> None:
    """The stage finishes and the verdict says failed; --enforce says it by its exit code, too."""
    again.params(gate__thresholds={"accuracy": {"min": 0.999}})
    assert "gate failed: accuracy 0.955556 is below 0.999" in again.done("pipeline.gate")
    assert json.loads(again.read("build/verdict.json"))["outcome"] == "failed"
    enforced = again.run("pipeline.gate", "--enforce")
    assert enforced.returncode == 41
    assert enforced.stderr.splitlines()[-1].startswith("error: accuracy 0.955556 is below 0.999; change the data or")
