"""A gateway that answers as a cluster that follows Git at once: each host with the release of release.yaml."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import yaml

# digest → the payload of golden.json; filled by the fixture that makes artifacts
GOLDEN: dict[str, dict[str, Any]] = {}


class Answering:
    """Serves on 127.0.0.1 within `with`, what main of `origin` says; `requests` holds (host, path) of each request.

    `digest` answers on every host instead when it is set, and `release` beside it when that is, too; all images
    are too old to name their releases when `old` is set; a host whose first label is in `broken` is not ready; golden
    requests are answered with `wrong` instead of what is recorded when that is set.
    """

    def __init__(self, origin: Path) -> None:
        self.digest: str | None = None
        self.release: str | None = None
        self.old = False
        self.broken: set[str] = set()
        self.wrong: dict[str, Any] | None = None
        self.requests: list[tuple[str, str]] = []
        self.required: dict[str, str] = {}
        self.scheme = "http"
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host = self.headers["Host"]
                if any(self.headers[key] != value for key, value in answering.required.items()):
                    self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    self.send_response(401)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answering.requests.append((host, self.path))
                override = (answering.digest, answering.release) if answering.digest else None
                model_digest, release = override or answering.of(host)
                ready = model_digest is not None and host.partition(".")[0] not in answering.broken
                body = b""
                if ready and data and model_digest in GOLDEN:
                    assert len(json.loads(data)["instances"]) == len(GOLDEN[model_digest]["outputs"]["prediction"])
                    payload = {"predictions": GOLDEN[model_digest]["outputs"]["prediction"]}
                    body = json.dumps(answering.wrong or payload).encode()
                self.send_response(200 if ready else 404 if model_digest is None else 503)
                if model_digest is not None:
                    self.send_header("x-model-digest", model_digest)
                if release is not None and not answering.old:
                    self.send_header("x-model-release", release)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self._origin = origin
        self.elsewhere: dict[str, tuple[Path, str]] = {}  # environment → the repository and branch that it follows
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return self._server.server_port

    def wrap(self, context: ssl.SSLContext, required: dict[str, str]) -> None:
        """Answer over TLS from now on, and only requests with the `required` headers."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.scheme, self.required = "https", required

    def of(self, host: str) -> tuple[str | None, str | None]:
        """The digest and the release that answer for `<label>.<model>-<environment>.<domain>`, by what Git says now."""
        label, namespace, *_ = host.split(".")
        model, _, environment = namespace.rpartition("-")
        folder, branch = self.elsewhere.get(environment, (self._origin, "main"))
        command = ["git", "show", f"{branch}:gitops/models/{model}/{environment}/release.yaml"]
        text = subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout
        hosts: dict[str, tuple[str, str | None]] = {}
        routes = []
        for document in yaml.safe_load_all(text):
            if document and document["kind"] == "InferenceService":
                model_spec = document["spec"]["predictor"]["model"]
                variables = {each["name"]: each["value"] for each in model_spec["env"]}
                digest = model_spec["storageUri"].rstrip("/").rpartition("/")[2]
                hosts[f"{document['metadata']['name']}-predictor"] = digest, variables.get("MODEL_RELEASE")
            elif document:
                routes.append(document)
        for route in routes:
            for target in route["spec"]["traffic"]:
                name = route["metadata"]["name"]
                hosts[f"{target['tag']}-{name}"] = hosts[target["configurationName"]]
                if target["tag"] == "stable":
                    hosts[name] = hosts[target["configurationName"]]
        if f"{model}-predictor" in hosts:
            hosts[f"latest-{model}-predictor"] = hosts[f"{model}-predictor"]
        return hosts.get(label, (None, None))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
