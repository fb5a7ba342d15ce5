"""One finished training, as its files in build/ and reports/ tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipeline.params.params import Params
from pipeline.shared import json_file, paths

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Training:
    """What is tracked of it. `metrics` maps a name to a number; `parameters` is that of the manifest."""

    model: str
    experiment: str
    task: str
    inputs_digest: str
    data_digest: str
    model_digest: str
    passed: bool
    outcome: str
    reason: str
    metrics: Mapping[str, float]
    parameters: Mapping[str, Any]

    @classmethod
    def read(cls, params: Params) -> Self:
        """ConfigurationError (10) names the file that is missing."""
        verdict, metrics = json_file.read(paths.VERDICT), json_file.read(paths.METRICS)
        return cls(
            model=params.model.name,
            experiment=params.track.experiment,
            task=params.model.task,
            inputs_digest=verdict["inputs_digest"],
            data_digest=verdict["data_digest"],
            model_digest=verdict["model_digest"],
            passed=verdict["passed"] is True,
            outcome=verdict["outcome"],
            reason=verdict["reason"],
            metrics=_flat(metrics),
            parameters=json_file.read(paths.ARTIFACT / "manifest.json")["parameters"],
        )

    def key(self) -> dict[str, Any]:
        """What makes it the same training, wherever and whenever it ran."""
        return {
            "schema_version": SCHEMA_VERSION,
            "experiment": self.experiment,
            "model": self.model,
            "inputs_digest": self.inputs_digest,
            "model_digest": self.model_digest,
        }


def _flat(metrics: Mapping[str, Any]) -> dict[str, float]:
    flat = {}
    for name, entry in metrics.items():
        if isinstance(entry, Mapping):
            for side, suffix in (("value", ""), ("low", "_low"), ("high", "_high")):
                if entry[side] is not None:
                    flat[f"{name}{suffix}"] = float(entry[side])
    return flat
