"""The trials of a search in MLflow: one child run each, under the run of the training that they led to."""

from __future__ import annotations

import json
import time
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from pipeline.shared import best_parameters

_LONGEST = 6000


def log(client: MlflowClient, experiment: str, parent: str) -> None:
    """Add the trials of build/tuned.json to the run `parent`; rounds of halving are steps of a candidate's metric."""
    tuned = best_parameters.tuned()
    rounds: dict[int, list[dict[str, Any]]] = {}
    for trial in tuned["trials"]:
        rounds.setdefault(trial["candidate"], []).append(trial)
    for candidate, trials in rounds.items():
        last = trials[-1]
        best = str(candidate == tuned["winner"]).lower()
        tags = {"mlflow.parentRunId": parent, "tune.method": tuned["method"], "tune.best": best}
        run_id = str(client.create_run(experiment, run_name=f"trial {candidate}", tags=tags).info.run_id)
        now = int(time.time() * 1000)
        metrics = [
            Metric(tuned["metric"], trial["score"], now, trial["round"])
            for trial in trials
            if trial["score"] is not None
        ]
        params = [
            Param(name, (value if isinstance(value, str) else json.dumps(value))[:_LONGEST])
            for name, value in last["values"].items()
        ]
        errors = [RunTag("error", last["error"][:_LONGEST])] if last["error"] else []
        client.log_batch(run_id, metrics=metrics, params=params, tags=errors)
        client.set_terminated(run_id, "FAILED" if last["error"] else "FINISHED")
