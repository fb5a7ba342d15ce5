"""Patches of an environment as people write them in its kustomization.yaml."""

from __future__ import annotations

from typing import Any

import yaml

from tests.gitops.render import Manifest

TARGET = {"kind": "InferenceService"}


def merge(**predictor: Any) -> Manifest:
    """A strategic merge patch of the predictor, as people write it."""
    patch = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "any"},
        "spec": {"predictor": predictor},
    }
    return {"patch": yaml.safe_dump(patch), "target": TARGET}


OVERLAYS: dict[str, list[Manifest]] = {
    "none": [],
    "a variable": [merge(model={"env": [{"name": "LOG_LEVEL", "value": "debug"}]})],
    "a variable by JSON patch": [
        {
            "patch": "- {op: add, path: /spec/predictor/model/env/-, value: {name: LOG_LEVEL, value: debug}}",
            "target": TARGET,
        }
    ],
    "replicas and resources": [merge(minReplicas=1, model={"resources": {"limits": {"cpu": "2"}}})],
    "a volume with its mount": [
        merge(
            volumes=[{"name": "cache", "emptyDir": {}}],
            model={"volumeMounts": [{"name": "cache", "mountPath": "/cache"}], "env": [{"name": "A", "value": "b"}]},
        )
    ],
}
