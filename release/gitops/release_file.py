"""release.yaml: the InferenceServices and the Route that follow from the record, and from nothing else.

One InferenceService a release, which never changes; one Knative Route named after the model, which is what callers
see. gitops/base patches what all releases have in common, a person's kustomization.yaml what they want otherwise.
"""

from __future__ import annotations

from typing import Any

from release import quoted_yaml
from release.gitops.record import Record
from release.gitops.release import Release

FILE = "release.yaml"
_HEAD = """\
# Written whole by `python -m release` from record.yaml beside it. Do not edit: deploy or roll back instead.
"""
_SERVICE = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService"}


def render(record: Record) -> str:
    """The whole text of release.yaml; a comment alone before the first deploy, which kustomize takes for nothing."""
    manifests = [inference_service(release, record.environment) for release in record.releases if release.rendered]
    if record.stable is not None:
        manifests.append(route(record))
    if record.old_percent is not None and record.champion is not None:
        manifests.append(old_inference_service(record.champion, record.environment, record.old_percent))
    return _HEAD + "---\n".join(map(quoted_yaml.render, manifests))


def inference_service(release: Release, environment: str) -> dict[str, Any]:
    """The InferenceService of a release. Its labels become those of the Knative revision, so that a label added here
    later would make a new revision of every release.
    """
    labels = {
        "model": release.model,
        "release": release.name,
        "digest": digest_label(release.digest),
        "environment": environment,
        # KServe keeps a host public unless this says `cluster-local`.
        "networking.kserve.io/visibility": "exposed",
    }
    env = [{"name": "MODEL_URI", "value": release.uri}, {"name": "MODEL_RELEASE", "value": release.name}]
    return {
        **_SERVICE,
        "metadata": {"name": release.name, "labels": labels},
        "spec": {"predictor": {"model": {"image": release.image, "storageUri": release.uri, "env": env}}},
    }


def route(record: Record) -> dict[str, Any]:
    """The Route: the stable release, and a canary that has a share of the traffic. A release with 0 percent is left
    out.

    Every field that Knative would fill in is written out, so that Argo CD's diff finds none.
    """
    shares = [(record.stable, 100 - (record.percent or 0), "stable"), (record.candidate, record.percent or 0, "canary")]
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Route",
        "metadata": {"name": record.model, "labels": {"model": record.model, "environment": record.environment}},
        "spec": {
            "traffic": [
                {
                    "configurationName": configuration(release.name),
                    "latestRevision": True,
                    "percent": percent,
                    "tag": tag,
                }
                for release, percent, tag in shares
                if release is not None and percent > 0
            ]
        },
    }


def old_inference_service(release: Release, environment: str, percent: int) -> dict[str, Any]:
    """The one that is named after the model, for callers of its host, until `release migrate --finish` removes it."""
    share = {} if percent == 100 else {"canaryTrafficPercent": percent}
    model = {"image": release.image, "storageUri": release.uri, "env": [{"name": "MODEL_URI", "value": release.uri}]}
    return {
        **_SERVICE,
        "metadata": {
            "name": release.model,
            "labels": {"model": release.model, "environment": environment},
            "annotations": {"serving.kserve.io/enable-tag-routing": "true"},
        },
        "spec": {"predictor": {**share, "model": model}},
    }


def configuration(name: str) -> str:
    """The Knative Configuration, and the first label of the host, that KServe gives the InferenceService `name`."""
    return f"{name}-predictor"


def digest_label(digest: str) -> str:
    """As much of a digest as a label's value may hold: 63 characters of its 71."""
    return digest[:63]
