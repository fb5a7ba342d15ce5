"""MLflow's side of a training: one run and one registered version a digest, found again or made."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from artifact.errors import ConfigurationError
from pipeline.params.params import PARAMS
from pipeline.report.git_source import Source
from pipeline.shared import paths
from pipeline.tracking import mlmodel, trials
from pipeline.tracking.run import Training

CHALLENGER = "challenger"
_BATCH = 100  # the most parameters that MLflow takes in one request
_LONGEST = 6000
_LONGEST_DATASET_DIGEST = 36
_LONGEST_TAG = 5000  # of a registered version; a run takes more
_KEY = re.compile(r"[^\w\-. /:]", re.ASCII)


class Registry:
    """The tracking server, or local database, at `uri`."""

    def __init__(self, uri: str) -> None:
        self._client = MlflowClient(uri, uri)
        local = uri.startswith("sqlite:")
        # Beside the local database; a server decides for itself.
        self._artifacts = str(Path(uri.removeprefix("sqlite:///")).parent / "artifacts") if local else None

    def record(self, training: Training, source: Source, trigger: str = "") -> tuple[str, str]:
        """Run id and version of `training`, made where they are missing; `trigger`: what asked for it, if anything did.

        `challenger` then points at the version when the gate passed it; a refused version never holds the alias.
        """
        experiment = self._experiment(training.experiment)
        run_id = self._finished(experiment, training)
        if run_id is None:
            run_id = self._log(experiment, training, source)
        version = self._version(training, run_id, source)
        # The verdict on an unchanged model can be another than last time, since the champion was another.
        tags = {"retrain_trigger": trigger} if trigger else {}
        for key, value in tags.items():
            self._client.set_tag(run_id, key, value)
        for key, value in {**_gate_tags(training), **tags}.items():
            self._client.set_model_version_tag(training.model, version, key, value)
        if training.passed:
            self._client.set_registered_model_alias(training.model, CHALLENGER, version)
        elif self._aliases(training.model).get(CHALLENGER) == version:
            self._client.delete_registered_model_alias(training.model, CHALLENGER)
        return run_id, version

    def mirror(self, model: str, champions: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
        """Point each alias at the version of its release, or take it away; says what changed.

        A release that has no version, since another registry knew it, gets one that names its URI.
        """
        if not any(champions.values()) and not self._exists(model):
            return []
        self._ensure(model)
        present, changed = self._aliases(model), []
        for alias, release in champions.items():
            if release is None:
                if alias in present:
                    self._client.delete_registered_model_alias(model, alias)
                    changed.append(f"{model}: {alias} was version {present[alias]}, Git names none")
                continue
            version = self._version_of(model, release["digest"]) or self._registered(model, release)
            if present.get(alias) != version:
                self._client.set_registered_model_alias(model, alias, version)
                changed.append(f"{model}: {alias} is version {version}, {release['digest'][:19]}…")
        return changed

    def _exists(self, model: str) -> bool:
        return bool(self._client.search_registered_models(f"name = '{model}'"))

    def _aliases(self, model: str) -> dict[str, str]:
        aliases = self._client.get_registered_model(model).aliases
        return {alias: str(version) for alias, version in dict(aliases).items()}

    def _ensure(self, model: str) -> None:
        try:
            self._client.create_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _version_of(self, model: str, digest: str) -> str | None:
        versions = self._client.search_model_versions(f"name = '{model}' and tags.model_digest = '{digest}'")
        return str(max(int(version.version) for version in versions)) if versions else None

    def _registered(self, model: str, release: Mapping[str, Any]) -> str:
        tags = {"model": model, "model_digest": release["digest"], "gate": release["gate"]}
        tags |= {key: release[key] for key in ("inputs_digest", "data_digest", "source_commit")}
        return str(self._client.create_model_version(model, release["uri"], tags=tags).version)

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            return str(self._client.create_experiment(name, artifact_location=self._artifacts))
        if experiment.lifecycle_stage != "active":
            raise ConfigurationError(
                f"the MLflow experiment {name!r} is deleted; restore it, or change track.experiment in params.yaml"
            )
        return str(experiment.experiment_id)

    def _finished(self, experiment: str, training: Training) -> str | None:
        condition = (
            f"tags.inputs_digest = '{training.inputs_digest}' and tags.model_digest = '{training.model_digest}' "
            "and attributes.status = 'FINISHED'"
        )
        runs = self._client.search_runs([experiment], condition, max_results=1)
        return str(runs[0].info.run_id) if runs else None

    def _log(self, experiment: str, training: Training, source: Source) -> str:
        name = f"{training.model} {training.model_digest.removeprefix('sha256-')[:8]} {training.outcome}"
        run_id = str(self._client.create_run(experiment, run_name=name).info.run_id)
        try:
            now = int(time.time() * 1000)
            metrics = [Metric(metric, value, now, 0) for metric, value in training.metrics.items()]
            tags = [RunTag(key, value) for key, value in _tags(training, source).items()]
            self._client.log_batch(run_id, metrics=metrics, tags=tags)
            params = [Param(_KEY.sub("_", key)[:250], value[:_LONGEST]) for key, value in flat(training.parameters)]
            for start in range(0, len(params), _BATCH):
                self._client.log_batch(run_id, params=params[start : start + _BATCH])
            self._client.log_inputs(run_id, [_dataset(training)])
            self._client.log_artifacts(run_id, str(paths.PLOTS), "plots")
            with tempfile.TemporaryDirectory(prefix="modelpin-mlmodel-") as folder:
                mlmodel.write(Path(folder) / mlmodel.FOLDER, paths.ARTIFACT)
                self._client.log_artifacts(run_id, folder)
            self._client.log_artifacts(run_id, str(paths.FIGURES), paths.FIGURES.name)
            trials.log(self._client, experiment, run_id)
            for path in (paths.METRICS, paths.VERDICT, PARAMS, paths.REPORT):
                self._client.log_artifact(run_id, str(path))
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id)
        return run_id

    def _version(self, training: Training, run_id: str, source: Source) -> str:
        self._ensure(training.model)
        version = self._version_of(training.model, training.model_digest)
        if version is not None:
            return version
        location = f"{self._client.get_run(run_id).info.artifact_uri}/{mlmodel.FOLDER}"
        created = self._client.create_model_version(training.model, location, run_id, tags=_tags(training, source))
        return str(created.version)


def flat(parameters: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted path → text of each value; lists as JSON."""
    for key, value in parameters.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{path}.")
        elif isinstance(value, list) and all(isinstance(item, Mapping) and "name" in item for item in value) and value:
            for item in value:
                yield from flat(
                    {name: inner for name, inner in item.items() if name != "name"}, f"{path}.{item['name']}."
                )
        else:
            yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _dataset(training: Training) -> DatasetInput:
    """The table that it was trained on, by which MLflow's pages find the runs of the same data."""
    source = json.dumps({"data_digest": training.data_digest})
    dataset = Dataset(training.model, training.data_digest[:_LONGEST_DATASET_DIGEST], "code", source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _tags(training: Training, source: Source) -> dict[str, str]:
    tags = {
        "model": training.model,
        "task": training.task,
        "inputs_digest": training.inputs_digest,
        "data_digest": training.data_digest,
        "model_digest": training.model_digest,
        **_gate_tags(training),
    }
    if source.commit:
        # The second is the one MLflow's own pages show.
        tags |= {"source_commit": source.commit, "mlflow.source.git.commit": source.commit}
        tags["source_dirty"] = str(source.dirty).lower()
    return tags


def _gate_tags(training: Training) -> dict[str, str]:
    return {
        "gate": training.outcome,
        "gate_passed": str(training.passed).lower(),
        "gate_reason": training.reason[:_LONGEST_TAG],
    }
