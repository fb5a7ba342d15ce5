"""release.yaml as it was before schema 3, when one InferenceService had KServe split its traffic.

Kept for two things: what a migration starts from, and the four ways in which it went wrong on a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from release import quoted_yaml
from release.gitops.old_record import TEXTS
from release.gitops.release import Release

_KIND = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService"}


@dataclass(frozen=True)
class OldState:
    """What a record of schema 2 said: the stable release, a candidate with its percentage, 0 after a rollback."""

    stable: Release | None
    candidate: Release | None = None
    percent: int | None = None


def patch(state: OldState, model: str) -> dict[str, Any]:
    """The patch of the InferenceService that is named after the model."""
    metadata = {"name": model}
    served = state.candidate or state.stable
    if served is None:
        return {**_KIND, "metadata": metadata, "$patch": "delete"}
    share = {} if state.percent is None else {"canaryTrafficPercent": state.percent}
    env = [{"name": "MODEL_URI", "value": served.uri}]
    spec = {**share, "model": {"image": served.image, "storageUri": served.uri, "env": env}}
    return {
        **_KIND,
        "metadata": metadata,
        "spec": {"predictor": spec},
    }


def render(state: OldState, model: str) -> str:
    """The text of it."""
    return quoted_yaml.render(patch(state, model))


def record(state: OldState, model: str, environment: str, version: int = 2) -> str:
    """record.yaml of schema 1 or 2 that said so."""

    def texts(release: Release | None) -> dict[str, str] | None:
        return None if release is None else {name: getattr(release, name) for name in TEXTS}

    left = {} if version == 1 else {"left": None if state.percent != 0 else state.stable and state.stable.digest}
    body = quoted_yaml.render(
        {
            "schema_version": version,
            "model": model,
            "environment": environment,
            "stable": texts(state.stable),
            "candidate": texts(state.candidate),
            "percent": state.percent,
            "step": None,
            **left,
            "releases": [] if state.stable is None else [texts(state.stable)],
        }
    )
    head = quoted_yaml.render({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{model}-record"}})
    return f"{head}data:\n  record.yaml: |\n" + "".join(f"    {line}\n" for line in body.splitlines())
