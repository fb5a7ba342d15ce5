"""Each call of kubectl in local/cluster, made by the real kubectl; the API server that it asks is played."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cluster import failure, names, up
from local.cluster.kubectl import Kubectl, Verdict
from local.cluster.node import Node
from local.narrator import Narrator
from local.state import State
from tests.local.cluster.api_server import ApiServer, running

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl: https://kubernetes.io/docs/tasks/tools/"),
]
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
ROUTE = "/apis/serving.knative.dev/v1/namespaces/iris-staging/routes/iris"
SERVICE = "/apis/serving.kserve.io/v1beta1/namespaces/iris-staging/inferenceservices/iris-1"
PODS = "/api/v1/namespaces/iris-staging/pods"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """An API server without objects, which the kubeconfig of the state in `tmp_path` leads to."""
    monkeypatch.setenv("HOME", str(tmp_path))
    server = ApiServer()
    with running(server, names.kubeconfig(State(tmp_path))):
        yield server


@pytest.fixture
def kubectl(server: ApiServer, tmp_path: Path) -> Kubectl:
    return Kubectl(State(tmp_path))


def named(kind: str, version: str, name: str, namespace: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "generation": 3, "resourceVersion": "1"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def test_what_is_absent_reads_as_nothing(kubectl: Kubectl) -> None:
    """No Application, Route, pod or InferenceService yet: no error, and the words for it."""
    assert kubectl.verdict("staging") == Verdict("Unknown", "Missing")
    assert kubectl.traffic("staging") == []
    assert (kubectl.pods("staging"), kubectl.failure("staging", "iris-1")) == (0, "")


def test_what_is_there_is_read_where_upstream_has_it(kubectl: Kubectl, server: ApiServer) -> None:
    """Argo CD's verdict, a ready Route's targets, pods, and KServe's word on a model that did not load."""
    verdict = {"sync": {"status": "Synced"}, "health": {"status": "Degraded"}}
    application = named("Application", "argoproj.io/v1alpha1", "iris-staging", "argocd", status=verdict)
    server.objects[f"{APPLICATIONS}/iris-staging"] = application
    target = {"configurationName": "iris-1-predictor", "latestRevision": True, "percent": 100, "tag": "stable"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "observedGeneration": 3}
    server.objects[ROUTE] = named(
        "Route", "serving.knative.dev/v1", "iris", "iris-staging", spec={"traffic": [target]}, status=ready
    )
    server.objects[f"{PODS}/iris-1"] = named("Pod", "v1", "iris-1", "iris-staging")
    status = {"modelStatus": {"lastFailureInfo": {"message": "error: other bytes"}}}
    server.objects[SERVICE] = named(
        "InferenceService", "serving.kserve.io/v1beta1", "iris-1", "iris-staging", status=status
    )
    assert kubectl.verdict("staging") == Verdict("Synced", "Degraded")
    assert kubectl.traffic("staging") == [{"configurationName": "iris-1-predictor", "percent": 100, "tag": "stable"}]
    assert (kubectl.pods("staging"), kubectl.failure("staging", "iris-1")) == (1, "error: other bytes")
    assert any(
        target.startswith(f"{PODS}?labelSelector=serving.knative.dev%2Fservice") for _, target in server.requests
    )
    ready["observedGeneration"] = 2
    assert kubectl.traffic("staging") == [], "the Route's controller has not seen the last change"


def test_what_is_applied_changed_and_removed(kubectl: Kubectl, server: ApiServer) -> None:
    """Keys by server-side apply, the annotation that lets Argo CD look, and a namespace that goes with all in it."""
    s3 = {"AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "of-no-server"}
    kubectl.apply(*up.keys(s3, "staging", "192.0.2.1:9000"))
    paths = ["/api/v1/namespaces/iris-staging", f"/api/v1/namespaces/iris-staging/secrets/{names.S3_SECRET}"]
    applied = [target for method, target in server.requests if method == "PATCH"]
    assert [target.partition("?")[0] for target in applied] == paths
    assert all("force=true" in target for target in applied)
    server.objects[f"{APPLICATIONS}/iris-staging"] = named(
        "Application", "argoproj.io/v1alpha1", "iris-staging", "argocd"
    )
    kubectl.refresh()
    assert server.sent[-1]["metadata"]["annotations"] == {"argocd.argoproj.io/refresh": "normal"}
    kubectl.forget("staging")
    assert ("DELETE", paths[0]) in [(method, target.partition("?")[0]) for method, target in server.requests]
    assert paths[0] not in server.objects
    kubectl.forget("staging")


def test_a_failure_is_collected(server: ApiServer, tmp_path: Path) -> None:
    """Every look at the cluster is a command that kubectl takes; kind is not there, and its file says so."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {}, "capacity": {}, "allocatable": {}}
    server.objects["/api/v1/nodes/modelpin-control-plane"] = named("Node", "v1", names.NODE, "", status=ready)
    with contextlib.closing(Narrator(tmp_path / "log")) as tell:
        failure.collect(State(tmp_path), tell)
    texts = {name: (tmp_path / "failure" / name).read_text() for name in failure.LOOKS}
    assert not {name: text for name, text in texts.items() if "ended with exit code" in text}
    assert names.NODE in texts["nodes.txt"]


def test_a_cluster_that_is_there_is_started_again(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker and kind are scripts here; kubectl waits until the node is ready, which it is at once."""
    for name, says in (("kind", names.NAME), ("docker", "")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {says}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    server.objects["/api/v1/nodes/modelpin-control-plane"] = named("Node", "v1", names.NODE, "", status=ready)
    Node(State(tmp_path)).create()
    assert "/api/v1/nodes" in [target.partition("?")[0] for _, target in server.requests]
