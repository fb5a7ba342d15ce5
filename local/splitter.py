"""One environment as a cluster would serve it, and nothing but Git tells it what: its InferenceServices and its Route.

It plays Argo CD (applies release.yaml at the tip of main) and the gateway; local/knative.py says what a Route does.
Each release runs as long as Git holds its InferenceService. A request to `<release>-predictor.…` goes to that release,
one to `stable-<model>.…` or `canary-<model>.…` to that part of the Route, any other where the percentages send it.
"""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, Self

import yaml

from artifact.errors import GitError, ModelpinError
from local import git, ports
from local.deadlines import ANSWER_SECONDS
from local.knative import SUFFIX, Knative, Revision
from release.gitops.folder import Folder
from release.readiness import PURPOSE

EVERY = 0.1  # seconds between two looks at Git
# The phases of a commit: the Route keeps its last assignment until what it names is ready, then it is what Git says.
HOLDING, FOLLOWING = "holding", "following"
DIGEST, RELEASE = "x-model-digest", "x-model-release"
METRICS, REQUESTS = "/metrics", "gateway_requests_total"
_PASSED = ("content-type", "accept", "x-request-id", PURPOSE)


class Server(Protocol):
    """What runs for a revision: it is ready when it was made, `port` is its own."""

    @property
    def port(self) -> int: ...

    def stop(self) -> None: ...


class Splitter:
    """Serves on a port of its own from `with` on, and counts."""

    def __init__(self, origin: Path, folder: Folder, start: Callable[[Revision], Server]) -> None:
        self.folder = folder
        self._served: Counter[tuple[str, str, str]] = Counter()
        self._answered: Counter[tuple[str, str]] = Counter()  # by release and status
        self._origin = origin
        self._start = start
        self._knative = Knative()
        self._commit = ""
        self._starting = 0
        self._sent = 0  # since the split last changed
        self._servers: dict[Revision, Server] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._server = ThreadingHTTPServer((ports.LOOPBACK, 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self._server.server_port}"

    def status(self) -> tuple[str, dict[str, int]]:
        """The commit that is followed, and the split: digest → percent; an empty digest stands for nobody."""
        with self._lock:
            shares = self._knative.traffic()
            return self._commit, {
                digest_of(revision.uri) if revision else "": percent for revision, percent in shares.items()
            }

    def counts(self) -> Counter[tuple[str, str, str]]:
        """Answers that the Route gave, by commit, phase, and the digest that the answer named."""
        with self._lock:
            return self._served.copy()

    def metrics(self) -> bytes:
        """What a gateway tells Prometheus: all that was answered, by release and status, for a dead pod too."""
        with self._lock:
            answered = sorted(self._answered.items())
        lines = [f'{REQUESTS}{{release="{release}",code="{code}"}} {count}' for (release, code), count in answered]
        return "\n".join([f"# TYPE {REQUESTS} counter", *lines, ""]).encode()

    def settled(self) -> bool:
        """Whether main's tip is followed: every release started, or failed to, and the Route is what Git says."""
        with self._lock:
            return self._commit == tip(self._origin) and not self._starting and self._knative.follows()

    def _follow(self) -> None:
        while not self._ended.wait(EVERY):
            if (commit := tip(self._origin)) != self._commit:
                self._apply(commit, read(self._origin, self.folder, commit))

    def _apply(self, commit: str, manifests: list[dict[str, Any]]) -> None:
        with self._lock:
            before = self._knative.traffic()
            new = self._knative.apply(manifests)
            self._commit = commit
            self._sent = self._sent if self._knative.traffic() == before else 0
            self._starting += len(new)
            names = {
                f"{manifest['metadata']['name']}" for manifest in manifests if manifest["kind"] == "InferenceService"
            }
            idle = [self._servers.pop(revision) for revision in list(self._servers) if revision.release not in names]
        for revision in new:  # in the background: the next commit is followed while this one's releases start
            threading.Thread(target=self._run, args=(revision,), daemon=True).start()
        for server in idle:
            server.stop()

    def _run(self, revision: Revision) -> None:
        try:
            server = self._start(revision)
        except ModelpinError:
            server = None
        with self._lock:
            self._starting -= 1
            if server is None:
                self._knative.failed(revision)
                return
            if not (late := self._ended.is_set()):
                self._servers[revision] = server
            before = self._knative.traffic()
            self._knative.started(revision)
            self._sent = self._sent if self._knative.traffic() == before else 0
        if late:  # it became ready while all were stopped
            server.stop()

    def _choose(self, host: str) -> tuple[str, str, str, int] | int:
        """(commit, phase, release, port) for a request to `host`, or a status; phase: empty where it is not counted."""
        with self._lock:
            label = host.partition(".")[0]
            phase = FOLLOWING if self._knative.follows() else HOLDING
            assigned = [(target.tag, target.percent, revision) for target, revision in self._knative.assigned]
            tagged = [revision for tag, _, revision in assigned if label == f"{tag}-{self.folder.model}"]
            answering: Revision | None
            if label.endswith(SUFFIX):
                answering, phase = self._knative.ready(label.removesuffix(SUFFIX)), ""
            elif label.endswith(f"-{self.folder.model}"):
                answering, phase = tagged[0] if tagged else None, ""
            elif assigned:
                # Evenly spread, so that 10 of 100 requests are 10 percent.
                self._sent += 1
                share = assigned[-1][1] if len(assigned) > 1 else 0
                second = self._sent * share // 100 > (self._sent - 1) * share // 100
                answering = assigned[-1 if second else 0][2]
            else:
                answering = None
            server = self._servers.get(answering) if answering else None
            return (self._commit, phase, answering.release, server.port) if answering and server else 404

    def _count(self, commit: str, phase: str, release: str, status: int, digest: str | None) -> None:
        with self._lock:
            self._answered[release, str(status)] += 1
            if phase and digest is not None:
                self._served[commit, phase, digest] += 1

    def _handler(outer: Self) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == METRICS:
                    self._answer(200, {"Content-Type": "text/plain; version=0.0.4"}, outer.metrics())
                    return
                revision = outer._choose(self.headers.get("Host", ""))
                if isinstance(revision, int):
                    self._answer(revision, {}, b'{"error": "no release is ready here"}')
                    return
                commit, phase, release, port = revision
                headers = {name: value for name, value in self.headers.items() if name.lower() in _PASSED}
                upstream = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=ANSWER_SECONDS)
                try:
                    upstream.request(self.command, self.path, body or None, headers)
                    answer = upstream.getresponse()
                    data = answer.read()
                except (OSError, http.client.HTTPException) as error:
                    outer._count(commit, phase, release, 502, None)
                    self._answer(502, {}, f'{{"error": "{type(error).__name__}"}}'.encode())
                    return
                finally:
                    upstream.close()
                outer._count(commit, phase, release, answer.status, answer.headers.get(DIGEST, ""))
                names = ("Content-Type", DIGEST, RELEASE)
                headers = {name: answer.headers[name] for name in names if name in answer.headers}
                self._answer(answer.status, headers, data)

            do_POST = do_GET

            def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Returns when nothing of it runs; again it does nothing."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._follower.join()
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            servers = list(self._servers.values())
        for server in servers:
            server.stop()


def read(origin: Path, folder: Folder, commit: str) -> list[dict[str, Any]]:
    """What `commit` says of the environment: its InferenceServices and its Route."""
    text = git.show(origin, commit, f"{folder.path}/release.yaml")
    if text is None:
        raise GitError(f"{folder.path}/release.yaml is not on {git.BRANCH} of {origin}")
    return [document for document in yaml.safe_load_all(text) if document]


def tip(origin: Path) -> str:
    """The commit that main is at; read as Git keeps it, since it is asked for ten times a second."""
    try:
        return (origin / "refs/heads" / git.BRANCH).read_text().strip()
    except FileNotFoundError:  # packed
        return git.run(origin, "rev-parse", git.BRANCH).strip()


def digest_of(uri: str) -> str:
    """The artifact's: the last segment of its URI."""
    return uri.rstrip("/").rpartition("/")[2]
