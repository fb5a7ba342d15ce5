"""The cluster: new enough, its kinds known, Argo CD's and Knative's settings as docs/to-your-cluster leaves them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from artifact.errors import StorageError
from release.doctor.finding import FAULT, OK, WARNING, Finding, NoAnswer, ask, at_least
from release.settings import Settings

VERSIONS = Path("docs/to-your-cluster/versions.env")
KINDS = {
    "inferenceservices.serving.kserve.io": "cluster.md",
    "servingruntimes.serving.kserve.io": "cluster.md",
    "routes.serving.knative.dev": "cluster.md",
    "applicationsets.argoproj.io": "argocd.md",
}
_INSIDE = "svc.cluster.local"
HEALTH = "resource.customizations.health.serving.kserve.io_InferenceService"
_APPLY = "kubectl apply --server-side --field-manager=modelpin -k gitops/argocd"


def look(root: Path, chosen: Settings) -> Iterator[Finding]:
    """Findings on what kubectl's current context leads to."""
    try:
        server = str(ask("kubectl", "version", "--output", "json")["serverVersion"]["gitVersion"])
    except (NoAnswer, KeyError, TypeError) as error:
        remedy = "aws eks update-kubeconfig --name … --region …"
        yield Finding("cluster", FAULT, f"no cluster answers: {error}", remedy, StorageError.exit_code)
        return
    minimum = _minimum(root)
    if at_least(server, minimum):
        yield Finding("cluster", OK, f"Kubernetes {server}")
    else:
        remedy = f"upgrade it to {minimum}: Knative does not start on an older one"
        yield Finding("cluster", FAULT, f"Kubernetes is {server}", remedy)
    yield from _kinds()
    yield from _argocd()
    yield from _knative(chosen)
    yield from _storage()
    yield from _nodes()


def _minimum(root: Path) -> str:
    match = re.search(r"^export KUBERNETES_MINIMUM=(\S+)$", (root / VERSIONS).read_text(encoding="utf-8"), re.M)
    assert match is not None  # tests/docs holds it
    return match[1]


def _get(*arguments: str) -> Any:
    try:
        return ask("kubectl", "get", *arguments, "--output", "json")
    except NoAnswer:
        return {}


def _kinds() -> Iterator[Finding]:
    names = {entry.get("metadata", {}).get("name") for entry in _get("customresourcedefinitions").get("items", [])}
    for kind, page in KINDS.items():
        if kind not in names:
            yield Finding("cluster", FAULT, f"does not know {kind}", f"follow docs/to-your-cluster/{page}")
    if names >= set(KINDS):
        yield Finding("cluster", OK, "knows KServe's, Knative's and Argo CD's kinds")


def _argocd() -> Iterator[Finding]:
    config = _get("configmap", "argocd-cm", "--namespace", "argocd")
    labels = config.get("metadata", {}).get("labels") or {}
    if not config:
        yield Finding("argocd", FAULT, "there is no ConfigMap argocd-cm", "follow docs/to-your-cluster/argocd.md")
    elif labels.get("app.kubernetes.io/part-of") != "argocd":
        remedy = f"apply the installation again, then {_APPLY}"
        yield Finding("argocd", FAULT, "argocd-cm lost the label by which Argo CD finds it", remedy)
    elif HEALTH not in (config.get("data") or {}):
        yield Finding("argocd", FAULT, "does not know when an InferenceService is healthy", _APPLY)
    else:
        yield Finding("argocd", OK, "argocd-cm has its label and the health rule")


def _knative(chosen: Settings) -> Iterator[Finding]:
    domains = _get("configmap", "config-domain", "--namespace", "knative-serving").get("data") or {}
    if chosen.domain == _INSIDE or chosen.domain in domains:
        yield Finding("knative", OK, f"serves under {chosen.domain}")
    else:
        remedy = "set spec.config.domain of the KnativeServing, or make configure DOMAIN=…"
        names = ", ".join(domains) or "nothing"
        yield Finding("knative", FAULT, f"serves under {names}, not under {chosen.domain}", remedy)
    template = (_get("configmap", "config-network", "--namespace", "knative-serving").get("data") or {}).get(
        "domain-template", "{{.Name}}.{{.Namespace}}.{{.Domain}}"
    )
    if chosen.domain != _INSIDE and f"{{{{.Name}}}}{chosen.joint}{{{{.Namespace}}}}" not in template:
        remedy = "make configure HOST_FORM=…, or change domain-template (docs/to-your-cluster/exposure.md)"
        yield Finding("knative", FAULT, f"makes hosts by {template}, settings.yaml says {chosen.host_form}", remedy)


def _storage() -> Iterator[Finding]:
    spec = _get("clusterstoragecontainer", "default").get("spec") or {}
    profile = ((spec.get("container") or {}).get("securityContext") or {}).get("seccompProfile") or {}
    if profile.get("type") == "RuntimeDefault":
        yield Finding("kserve", OK, "the storage initializer fits into a restricted namespace")
    else:
        remedy = "helm upgrade kserve with kserve.storage.containerSecurityContext.seccompProfile.type=RuntimeDefault"
        yield Finding("kserve", FAULT, "the storage initializer has no seccomp profile: its pods are refused", remedy)


def _nodes() -> Iterator[Finding]:
    nodes = _get("nodes").get("items", [])
    kinds = sorted({(node.get("status", {}).get("nodeInfo") or {}).get("architecture", "") for node in nodes} - {""})
    if kinds and kinds != ["amd64"]:
        remedy = "build the image for each, or select amd64 by a patch of nodeSelector"
        yield Finding("nodes", WARNING, f"have the architectures {', '.join(kinds)}", remedy)
