"""A cluster that is played, since no machine of the tests runs containers: what docker, kind, helm and kubectl say.

Played: the node, Knative's and Argo CD's reconciling (local/splitter.py), and each object's status. Real: Git, read
over HTTP at the URL that Argo CD is given, the manifests rendered from there, the embedded S3, asked at the address and
with the keys of the Secret, KServe's storage initializer, the predictors, and every command of ours.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from artifact.errors import StorageError
from local import storage
from local.cluster import names
from local.knative import Revision
from local.serving import Predictor
from local.splitter import Splitter, digest_of, read
from local.state import REPOSITORY, State, environment
from release.gitops.folder import Folder

PROGRAMS = ("docker", "kind", "helm", "kubectl")


class Played:
    """Answers the programs in `bin`, until `stop`. `calls`: their words, in order; `images`: what the node has."""

    def __init__(self, folder: Path, state: State) -> None:
        self.calls: list[list[str]] = []
        self.images: set[str] = set()
        self.secrets: dict[str, dict[str, Any]] = {}  # by namespace
        self.url = ""  # that Argo CD reads Git at
        self.bin = folder / "bin"
        self._folder, self._state = folder, state
        self._clusters: set[str] = set()
        self._splitters: dict[str, Splitter] = {}  # by environment
        self._failed: set[str] = set()  # releases whose model did not load
        self._kustomize = shutil.which("kubectl")
        self._front = self._serve(self._pass_on())
        self._server = self._serve(self._handler())
        self._write()

    @property
    def port(self) -> int:
        return self._server.server_port

    def stop(self) -> None:
        for splitter in self._splitters.values():
            splitter.stop()
        for server in (self._front, self._server):
            server.shutdown()
            server.server_close()

    def answer(self, words: list[str], text: str) -> tuple[int, str]:
        """Exit code and output of a program."""
        self.calls.append(words)
        line = " ".join(words)
        for pattern, answer in self._answers().items():
            if re.match(pattern, line):
                return answer(line, text)
        return 0, ""

    def _answers(self) -> dict[str, Callable[[str, str], tuple[int, str]]]:
        return {
            r"docker exec \S+ getent": lambda *_: (2, ""),
            r"docker network inspect kind": lambda *_: (
                0,
                '[{"IPAM": {"Config": [{"Gateway": "fc00::1"}, {"Gateway": "127.0.0.1"}]}}]',
            ),
            r"docker buildx": lambda *_: (1, "no such registry"),
            r"docker exec \S+ ctr .* images ls": self._listed,
            r"docker exec \S+ ctr .* images tag": self._tag,
            r"kind get clusters": lambda *_: (0, "\n".join(self._clusters)),
            r"kind create cluster": lambda *_: (self._clusters.add(names.NAME), (0, ""))[1],
            r"kind delete cluster": lambda *_: (self._clusters.discard(names.NAME), (0, ""))[1],
            r"kubectl .*port-forward": lambda *_: (0, str(self._front.server_port)),
            r"kubectl apply .*--filename -": self._apply,
            r"kubectl apply .*-k ": self._follow,
            r"kubectl delete namespace": self._forget,
            r"kubectl get --namespace argocd applications.argoproj.io": lambda *_: self._json(
                {"items": [*self._splitters]}
            ),
            r"kubectl get --namespace argocd application.argoproj.io ": self._application,
            r"kubectl get .* route": self._route,
            r"kubectl get .* inferenceservice": self._service,
            r"kubectl get .* pods": lambda *_: self._json({"items": []}),
        }

    @staticmethod
    def _json(value: object) -> tuple[int, str]:
        return 0, json.dumps(value)

    def _listed(self, line: str, _: str) -> tuple[int, str]:
        image = line.partition("name==")[2]
        digest = hashlib.sha256(image.encode()).hexdigest()
        return (
            0,
            f"REF TYPE DIGEST SIZE PLATFORMS LABELS\n{image} application/vnd sha256:{digest} 9 MiB linux/amd64 -\n",
        )

    def _tag(self, line: str, _: str) -> tuple[int, str]:
        self.images.add(line.split()[-1])
        return 0, ""

    def _apply(self, _: str, text: str) -> tuple[int, str]:
        for document in map(json.loads, text.splitlines()):
            if document["kind"] == "Secret":
                namespace = document["metadata"]["namespace"]
                self.secrets[namespace] = document
                if self.url:
                    self._start(namespace.rpartition("-")[2])
        return 0, ""

    def _follow(self, line: str, _: str) -> tuple[int, str]:
        """As an ApplicationSet does: an environment each, from the URL and the branch that it names."""
        rendered = self._render(Path(line.split()[-1]))
        (application_set,) = [document for document in rendered if document["kind"] == "ApplicationSet"]
        git = [generator["matrix"]["generators"][0]["git"] for generator in application_set["spec"]["generators"]]
        self.url = git[0]["repoURL"]
        subprocess.run(
            ["git", "ls-remote", "--exit-code", self.url, git[0]["revision"]], check=True, capture_output=True
        )
        for environment_ in names.ENVIRONMENTS:
            self._start(environment_)
        return 0, ""

    def _start(self, name: str) -> None:
        if name not in self._splitters:
            folder = Folder(names.MODEL, name)
            splitter = Splitter(self._state.origin, folder, lambda revision: self._pod(folder, revision))
            self._splitters[name] = splitter.__enter__()

    def _pod(self, folder: Folder, revision: Revision) -> Predictor:
        """What a pod of the revision does, with the image of the node, and the keys that the service account names."""
        try:
            assert revision.image in self.images, f"the node has no {revision.image}"
            account = next(document for document in self._rendered(folder) if document["kind"] == "ServiceAccount")
            (named,) = account["secrets"]
            secret = self.secrets[folder.namespace]
            assert named["name"] == secret["metadata"]["name"]
            notes = secret["metadata"]["annotations"]
            s3 = {"AWS_DEFAULT_REGION": notes["serving.kserve.io/s3-region"], **secret["stringData"]}
            assert notes["serving.kserve.io/s3-usehttps"] == "0"
            s3["AWS_ENDPOINT_URL"] = f"http://{notes['serving.kserve.io/s3-endpoint']}"
            model = self._folder / "models" / digest_of(revision.uri)
            if not model.exists():
                storage.download(revision.uri, model, s3, lambda _: None)
            log = self._folder / f"{folder.environment}-{revision.name}.log"
            return Predictor(
                names.MODEL, revision.uri, revision.release, model, code=REPOSITORY, env=environment(), log=log
            )
        except BaseException as error:
            self._failed.add(revision.release)
            raise StorageError(f"{revision.name} does not start: {error!r}") from error

    def _rendered(self, folder: Folder) -> list[dict[str, Any]]:
        """The manifests of an environment, from a clone by Argo CD's URL."""
        with tempfile.TemporaryDirectory() as clone:
            subprocess.run(["git", "clone", "--quiet", self.url, clone], check=True, capture_output=True)
            return self._render(Path(clone) / folder.path)

    def _render(self, folder: Path) -> list[dict[str, Any]]:
        assert self._kustomize is not None
        done = subprocess.run([self._kustomize, "kustomize", folder], capture_output=True, text=True, check=True)
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    def _forget(self, line: str, _: str) -> tuple[int, str]:
        name = line.split()[3].rpartition("-")[2]
        self._splitters.pop(name).stop()
        return 0, ""

    def _application(self, line: str, _: str) -> tuple[int, str]:
        splitter = self._splitters.get(re.findall(rf"{names.MODEL}-(\w+)", line)[0])
        if splitter is None or not splitter.status()[0]:
            return self._json({"status": {"sync": {"status": "OutOfSync"}, "health": {"status": "Missing"}}})
        broken = any(manifest["metadata"]["name"] in self._failed for manifest in self._manifests(splitter))
        health = "Degraded" if broken else "Healthy" if splitter.settled() else "Progressing"
        return self._json({"status": {"sync": {"status": "Synced"}, "health": {"status": health}}})

    def _route(self, line: str, _: str) -> tuple[int, str]:
        splitter = self._splitters.get(re.findall(rf"{names.MODEL}-(\w+)", line)[0])
        if splitter is None or not splitter.status()[0]:
            return 0, ""
        routes = [manifest for manifest in self._manifests(splitter) if manifest["kind"] == "Route"]
        ready = {"type": "Ready", "status": "True" if splitter.settled() else "False"}
        status = {"observedGeneration": 1, "conditions": [ready]}
        return (
            self._json({"metadata": {"generation": 1}, "spec": routes[0]["spec"], "status": status})
            if routes
            else (0, "")
        )

    def _manifests(self, splitter: Splitter) -> list[dict[str, Any]]:
        """What the commit says that the splitter follows."""
        return read(self._state.origin, splitter.folder, splitter.status()[0])

    def _service(self, line: str, _: str) -> tuple[int, str]:
        logs = sorted(self._folder.glob(f"*{line.split()[5]}*.log"))
        message = logs[0].read_text().strip().splitlines()[-1] if logs else ""
        return self._json({"status": {"modelStatus": {"lastFailureInfo": {"message": message}}}})

    def _handler(outer) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(outer.answer(content["words"], content["text"])).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _pass_on(outer) -> type[BaseHTTPRequestHandler]:
        """The gateway inside the cluster: the namespace in the host says whose Route is asked."""
        import http.client

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                namespace = self.headers["Host"].split(".")[1]
                splitter = outer._splitters[namespace.rpartition("-")[2]]
                there = http.client.HTTPConnection(splitter.url.removeprefix("http://"), timeout=300)
                there.request(self.command, self.path, body or None, dict(self.headers))
                answer = there.getresponse()
                data = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
                there.close()

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    @staticmethod
    def _serve(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    def _write(self) -> None:
        self.bin.mkdir(parents=True)
        program = Path(__file__).with_name("program.py")
        for name in PROGRAMS:
            path = self.bin / name
            path.write_text(f'#!/bin/sh\nPLAYED_PORT={self.port} exec {sys.executable} {program} {name} "$@"\n')
            path.chmod(0o755)
