"""A played API server, so that the real kubectl runs where no cluster is: discovery, objects by path, what was asked.

It stores nothing but what it is given, reconciles nothing, and knows no port-forwarding.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

# Group and version → kind, and whether its objects are in a namespace. The plural is the kind in lower case with an s.
KINDS = {
    "v1": {"Namespace": False, "Node": False, "Pod": True, "Secret": True, "Event": True},
    "apps/v1": {"Deployment": True},
    "argoproj.io/v1alpha1": {"Application": True, "ApplicationSet": True},
    "coordination.k8s.io/v1": {"Lease": True},
    "operator.knative.dev/v1beta1": {"KnativeServing": True},
    "serving.knative.dev/v1": {"Route": True, "Configuration": True, "Revision": True},
    "serving.kserve.io/v1alpha1": {"ServingRuntime": True},
    "serving.kserve.io/v1beta1": {"InferenceService": True},
}
_GONE = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "reason": "NotFound",
    "code": 404,
    "message": "gone",
}


@dataclass
class ApiServer:
    """`objects`: path → object. `requests`: method and path with query of each but discovery, in order."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)  # bodies of what was applied and patched

    def answer(self, method: str, target: str, body: bytes) -> dict[str, Any]:
        """The object or the list that a request gets; _GONE where there is none."""
        path = urlsplit(target).path
        if (document := _discovery(path)) is not None:
            return document
        self.requests.append((method, target))
        if method == "PATCH":
            self.sent.append(yaml.safe_load(body))
            self.objects[path] = {**self.objects.get(path, {}), **self.sent[-1]}
        if method == "DELETE":
            self.objects.pop(path, None)
            return {"kind": "Status", "apiVersion": "v1", "status": "Success"}
        if path in self.objects:
            return self.objects[path]
        kind = next((kind for kinds in KINDS.values() for kind in kinds if path.endswith(f"/{plural(kind)}")), None)
        if kind is None:
            return _GONE
        version = path.split("/")[2] if path.startswith("/api/") else "/".join(path.split("/")[2:4])
        parent, _, resource = path.rpartition("/")
        items = [
            value
            for key, value in self.objects.items()
            if key.startswith(parent) and key.rpartition("/")[0].endswith(f"/{resource}")
        ]
        return {"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": "1"}, "items": items}


def plural(kind: str) -> str:
    return f"{kind.lower()}s"


def _group(name: str) -> dict[str, Any]:
    versions = [
        {"groupVersion": version, "version": version.rpartition("/")[2]}
        for version in KINDS
        if version.startswith(f"{name}/")
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[-1]}


def _discovery(path: str) -> dict[str, Any] | None:
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = sorted({version.partition("/")[0] for version in KINDS if "/" in version})
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in groups]}
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version in KINDS:
        resources = [
            {"name": plural(kind), "singularName": kind.lower(), "kind": kind, "namespaced": namespaced,
             "verbs": ["get", "list", "watch", "create", "patch", "delete"]}
            for kind, namespaced in KINDS[version].items()
        ]  # fmt: skip
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}
    if path == "/openapi/v3":
        return {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1"}}}
    if path == "/openapi/v3/api/v1":  # that the server checks fields itself
        names = {"group": "", "version": "v1"}
        patches = {
            f"/api/v1/{plural(kind)}": {
                "patch": {
                    "parameters": [{"name": "fieldValidation", "in": "query"}],
                    "x-kubernetes-group-version-kind": {**names, "kind": kind},
                }
            }
            for kind in KINDS["v1"]
        }
        return {"openapi": "3.0.0", "paths": patches}
    return None


@contextmanager
def running(server: ApiServer, kubeconfig: Path) -> Iterator[None]:
    """It answers while the block runs, and `kubeconfig` leads to it."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            value = server.answer(self.command, self.path, body)
            data = json.dumps(value).encode()
            self.send_response(value.get("code", 200) if value.get("kind") == "Status" else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_DELETE = do_POST = _do

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        text = {
            "apiVersion": "v1", "kind": "Config", "current-context": "played",
            "clusters": [{"name": "played", "cluster": {"server": f"http://127.0.0.1:{http.server_port}"}}],
            "contexts": [{"name": "played", "context": {"cluster": "played", "user": ""}}],
        }  # fmt: skip
        kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        kubeconfig.write_text(json.dumps(text))
        try:
            yield
        finally:
            http.shutdown()
