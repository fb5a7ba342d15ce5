"""One InferenceService as a cluster would serve it, and nothing but Git tells it what: storageUri, image, percentage.

It plays Argo CD (reads release.yaml at the tip of main), and KServe and Knative (local/rollout.py). A request
without a tag goes where the percentages send it; one to a host that begins with `latest-` or `prev-` goes to that
revision, as Knative's tags do.
"""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, Self

import yaml

from artifact.errors import GitError
from local import git, ports
from local.rollout import Revision, Rollout, Wish
from release.gitops.folder import Place

EVERY = 0.1  # seconds between two looks at Git
STARTING, READY = "starting", "ready"  # the phases of a commit: its revision starts, its revision answers
DIGEST = "x-model-digest"
TAGS = ("latest-", "prev-")


class Server(Protocol):
    """What runs for a revision: it is ready when it was made, `port` is its own."""

    @property
    def port(self) -> int: ...

    def stop(self) -> None: ...


class Splitter:
    """Serves on a port of its own from `with` on, and counts."""

    def __init__(self, origin: Path, place: Place, start: Callable[[Revision], Server]) -> None:
        self.place = place
        self._served: Counter[tuple[str, str, str]] = Counter()
        self._origin = origin
        self._start = start
        self._rollout = Rollout()
        self._commit = ""
        self._sent = 0  # since the split last changed
        self._servers: dict[Revision, Server] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._server = ThreadingHTTPServer((ports.LOOPBACK, 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self._server.server_port}"

    def status(self) -> tuple[str, list[tuple[str, int]]]:
        """The commit that is followed, and the split: (digest, percent), the newest ready revision first."""
        with self._lock:
            return self._commit, [(digest_of(one.uri), percent) for one, percent in self._rollout.traffic()]

    def counts(self) -> Counter[tuple[str, str, str]]:
        """Answers to requests without a tag, by commit, phase, and the digest that the answer named."""
        with self._lock:
            return self._served.copy()

    def settled(self) -> bool:
        """Whether main's tip is followed and its newest revision is ready."""
        with self._lock:
            return self._commit == tip(self._origin) and self._rollout.created == self._rollout.ready

    def _follow(self) -> None:
        while not self._ended.wait(EVERY):
            if wish := read(self._origin, self.place, self._commit):
                self._obey(wish)

    def _obey(self, wish: Wish) -> None:
        with self._lock:
            split = self._rollout.traffic()
            new = self._rollout.want(wish)
            self._commit = wish.commit
            self._sent = self._sent if self._rollout.traffic() == split else 0
        if new:  # in the background: the split follows the next commit while this one starts
            threading.Thread(target=self._make, args=(new,), daemon=True).start()

    def _make(self, revision: Revision) -> None:
        server = self._start(revision)
        with self._lock:
            self._servers[revision] = server
            self._rollout.answers(revision)
            self._sent = 0
            routed = {one for one, _ in self._rollout.traffic()} | {self._rollout.before, self._rollout.created}
            idle = [self._servers.pop(one) for one in self._servers.keys() - routed]
        for server in idle:
            server.stop()

    def _choose(self, host: str) -> tuple[str, str, int] | None:
        """(commit, phase, port) for a request to `host`; evenly spread, so that 10 of 100 requests are 10 percent."""
        with self._lock:
            traffic = self._rollout.traffic()
            if not traffic:
                return None
            (newest, percent), (stable, _) = traffic[0], traffic[-1]
            phase = READY if self._rollout.created == self._rollout.ready else STARTING
            if host.startswith(TAGS):
                chosen = stable if host.startswith(TAGS[1]) else newest
            else:
                self._sent += 1
                chosen = newest if self._sent * percent // 100 > (self._sent - 1) * percent // 100 else stable
            return self._commit, phase, self._servers[chosen].port

    def _count(self, commit: str, phase: str, digest: str) -> None:
        with self._lock:
            self._served[commit, phase, digest] += 1

    def _handler(outer: Self) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host = self.headers.get("Host", "")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                chosen = outer._choose(host)
                if chosen is None:
                    self._answer(503, {}, b'{"error": "no revision is ready"}')
                    return
                commit, phase, port = chosen
                kept = {
                    name: value for name, value in self.headers.items() if name.lower() in ("content-type", "accept")
                }
                upstream = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=10)
                try:
                    upstream.request(self.command, self.path, body or None, kept)
                    answer = upstream.getresponse()
                    data = answer.read()
                except OSError as error:
                    self._answer(502, {}, f'{{"error": "{type(error).__name__}"}}'.encode())
                    return
                finally:
                    upstream.close()
                if not host.startswith(TAGS):
                    outer._count(commit, phase, answer.headers.get(DIGEST, ""))
                passed = {name: answer.headers[name] for name in ("Content-Type", DIGEST) if name in answer.headers}
                self._answer(answer.status, passed, data)

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
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._follower.join()
        self._server.shutdown()
        self._server.server_close()
        for server in self._servers.values():
            server.stop()


def read(origin: Path, place: Place, known: str = "") -> Wish | None:
    """What main's tip says of the InferenceService; None when that is the commit `known`, or when it names no model."""
    commit = tip(origin)
    if commit == known:
        return None
    text = git.show(origin, commit, f"{place.folder}/release.yaml")
    if text is None:
        raise GitError(f"{place.folder}/release.yaml is not on {git.BRANCH} of {origin}")
    predictor = yaml.safe_load(text).get("spec", {}).get("predictor")
    if predictor is None:
        return None
    model = predictor["model"]
    return Wish(commit, model["storageUri"], model["image"], predictor.get("canaryTrafficPercent"))


def tip(origin: Path) -> str:
    """The commit that main is at; read as Git keeps it, since it is asked for ten times a second."""
    try:
        return (origin / "refs/heads" / git.BRANCH).read_text().strip()
    except FileNotFoundError:  # packed
        return git.run(origin, "rev-parse", git.BRANCH).strip()


def digest_of(uri: str) -> str:
    """The artifact's: the last segment of its URI."""
    return uri.rstrip("/").rpartition("/")[2]
