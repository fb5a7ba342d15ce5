"""A training is tracked once, and a tracking server that is down is told apart from a wrong training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline.tracking.registry import flat
from tests.pipeline.repository import Repository

ROOT = Path(__file__).parents[3]


def test_a_run_says_what_it_was(again: Repository) -> None:
    """Parameters, metrics, plots, data, artifact, digests, commit, a version with alias challenger; once only."""
    again.params(track__experiment="other")
    for trigger in ("", "drift 2026-11-01"):  # the second time a training was asked for
        again.done("pipeline", "track", GITHUB_SHA="c0ffee", RETRAIN_TRIGGER=trigger)
    uri = f"sqlite:///{again.path}/.mlflow/mlflow.db"
    client = MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name("other")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["train.parameters.C"] == "1.0"
    assert run.data.params["train.preprocessing.numeric.steps"].startswith("[{")
    assert {"accuracy", "accuracy_low", "accuracy_high"} <= set(run.data.metrics)
    assert run.data.tags["source_commit"] == run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    assert run.data.tags["retrain_trigger"] == "drift 2026-11-01"
    assert (run.data.tags["gate"], run.data.tags["gate_passed"]) == ("first-deployment", "true")
    assert run.info.run_name == f"iris {run.data.tags['model_digest'][7:15]} first-deployment"
    (table,) = run.inputs.dataset_inputs
    assert run.data.tags["data_digest"].startswith(table.dataset.digest)
    assert json.loads(table.dataset.source) == {"data_digest": run.data.tags["data_digest"]}
    for digest in ("inputs_digest", "data_digest", "model_digest"):
        assert run.data.tags[digest].startswith("sha256-")
    listed = {
        entry.path for folder in ("", "model", "plots") for entry in client.list_artifacts(run.info.run_id, folder)
    }
    digest = run.data.tags["model_digest"]
    assert {"model/MLmodel", f"model/{digest}", "plots/importance.png", "metrics.json", "params.yaml"} <= listed
    assert "verdict.json" in listed
    assert {"report.md", "figures"} <= listed
    # One version a model digest, whatever experiment asks.
    (version,) = client.search_model_versions("name = 'iris'")
    assert version.tags["retrain_trigger"] == "drift 2026-11-01"
    assert version.tags["model_digest"] == run.data.tags["model_digest"]
    assert client.get_model_version_by_alias("iris", "challenger").version == version.version

    # Judged again beside another champion, the same version is refused: it says so, and loses the alias.
    verdict = json.loads(again.read("build/verdict.json")) | {"passed": False, "outcome": "worse"}
    (again.path / "build/verdict.json").write_text(json.dumps(verdict), encoding="utf-8")
    again.done("pipeline", "track", GITHUB_SHA="c0ffee")
    (version,) = client.search_model_versions("name = 'iris'")
    assert (version.tags["gate"], version.tags["gate_passed"]) == ("worse", "false")
    assert dict(client.get_registered_model("iris").aliases) == {}


def test_a_server_that_is_down_ends_with_30(again: Repository) -> None:
    """In bounded time, without the password in the message, and nothing says that the run was tracked."""
    (again.path / "build/tracked.json").unlink()
    down = again.run("pipeline", "track", MLFLOW_TRACKING_URI="http://someone:hunter2@127.0.0.1:9")
    assert down.returncode == 30
    assert "tracking at http://127.0.0.1:9 failed" in down.stderr.splitlines()[-1]
    assert "hunter2" not in down.stderr
    assert not (again.path / "build/tracked.json").exists()


def test_parameters_are_flat_and_named_by_block() -> None:
    """MLflow's parameters are name and text."""
    nested = {"a": {"b": 1, "c": {}}, "blocks": [{"name": "x", "columns": ["y"]}], "list": [1, "z"], "none": None}
    assert dict(flat(nested)) == {
        "a.b": "1",
        "a.c": "{}",
        "blocks.x.columns": '["y"]',
        "list": '[1, "z"]',
        "none": "null",
    }


BEGINS = """
from pipeline.tracking import server

print(server.ask(lambda registry: registry._client.create_experiment(NAME))[0])
"""


@pytest.mark.story
def test_processes_that_begin_together_lose_nothing(tmp_path: Path) -> None:
    """On a fresh store each of four makes its experiment: one at a time, so that none makes tables that another did."""
    env = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", BEGINS.replace("NAME", repr(f"e{number}"))],
            cwd=tmp_path,
            env=env | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    ended = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0] * 4, ended[0][1][-2000:]
    assert len({out.strip() for out, _ in ended}) == 4
