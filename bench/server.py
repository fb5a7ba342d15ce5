"""A running server: pinned to its core, asked over sockets, stopped by the process group it was started in."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

import grpc

from artifact.errors import ConfigurationError
from bench import answers, usage
from bench.kinds import Kind
from bench.package import Packaged
from bench.peers import Peer, Ports, Site
from bench.requests import GRPC_PATH, Form, Request, make
from local.ports import free

START_SECONDS = 90
_PORT_SECONDS = 10  # for gRPC to listen, once HTTP answers
_SETTLE_SECONDS = 20
_ANSWER_SECONDS = 60
_PAUSE = 0.005  # between two tries of a server that does not answer yet
_DIFFERENT_ROWS = 8  # of one-row requests, so that a constant answer does not pass
# Not ours to hand down: they would change what a server reads, or keep it from finding its compiled code.
_DROPPED = ("MODEL_URI", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
_COMMON = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class RequestCounts:
    """Infer requests that our server counted, and those of them that its fast path answered."""

    requests: float
    fast: float


class Wrong(Exception):
    """A server did not answer, or not with the right labels."""


class Server:
    """One peer with one model, started at once and not yet ready; a context manager that stops it."""

    def __init__(self, peer: Peer, model: Packaged, site: Site, core: int, phase: str) -> None:
        self.peer = peer
        self.model = model
        self.form: Form = peer.form(site)
        self.ports = Ports(*free(3))
        self.log = site.work / "logs" / f"{model.name}-{peer.name}-{phase}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        launch = peer.launch(site, model, self.ports)
        environ = {name: value for name, value in os.environ.items() if name not in _DROPPED}
        command = ["taskset", "-c", str(core), *launch.command]
        self._http: http.client.HTTPConnection | None = None
        self._channel: Any = None
        with self.log.open("wb") as output:
            self.started = time.monotonic()
            self._process = subprocess.Popen(
                command,
                cwd=launch.folder,
                env=environ | _COMMON | dict(launch.environ),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process; what it starts is below it."""
        return self._process.pid

    def port(self, kind: Kind) -> int:
        """Where requests of `kind` go."""
        return self.ports.grpc if kind.protocol == "grpc" else self.ports.http

    def request(self, kind: Kind, first: int = 0) -> Request:
        """The request of `kind` in this server's form."""
        return make(kind, self.model, self.form, first)

    def check(self, kind: Kind) -> int:
        """Raise Wrong unless requests of `kind` get the labels of scikit-learn; the size of the answer in bytes."""
        size = 0
        for first in range(_DIFFERENT_ROWS if kind.rows == 1 else 1):
            size = self._check_one(kind, self.request(kind, first), first)
        return size

    def _check_one(self, kind: Kind, request: Request, first: int) -> int:
        headers, body = self.ask(kind, request)
        if self.peer.echoes:
            if body != request.body:
                raise Wrong(f"{self.peer.title} sent back {body[:200]!r}")
            return len(body)
        expected = self.model.labels[first : first + kind.rows]
        try:
            labels = answers.labels(kind.protocol, headers, body)
        except ValueError as error:
            raise Wrong(f"{self.peer.title}, {kind.title}: {error}") from error
        if labels != expected:
            raise Wrong(f"{self.peer.title}, {kind.title}: {labels[:9]} instead of {expected[:9]}; see {self.log}")
        return len(body)

    def ask(self, kind: Kind, request: Request) -> tuple[dict[str, str], bytes]:
        """Headers (names in lower case) and body of one answer; Wrong for any but a good one."""
        try:
            if kind.protocol == "grpc":
                return {}, self._call(request)
            status, headers, body = self._post(request)
        except (OSError, http.client.HTTPException, grpc.RpcError) as error:
            raise Wrong(f"{self.peer.title}, {kind.title}: {error!r}"[:500]) from error
        if status != 200:
            raise Wrong(f"{self.peer.title}, {kind.title}: status {status}, {body[:200]!r}")
        return headers, body

    def _post(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        reused = self._http is not None
        connection = self._http or http.client.HTTPConnection("127.0.0.1", self.ports.http, timeout=_ANSWER_SECONDS)
        self._http = None
        try:
            connection.request("POST", request.path, request.body, request.headers)
            answer = connection.getresponse()
            body = answer.read()
        except (ConnectionError, http.client.BadStatusLine):
            connection.close()
            if reused:  # it was idle for longer than the server keeps a connection
                return self._post(request)
            raise
        self._http = connection
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body

    def _call(self, request: Request) -> bytes:
        if self._channel is None:
            limits = [("grpc.max_receive_message_length", -1)]
            self._channel = grpc.insecure_channel(f"127.0.0.1:{self.ports.grpc}", options=limits)
            try:  # some servers open this port after the other
                grpc.channel_ready_future(self._channel).result(timeout=_PORT_SECONDS)
            except grpc.FutureTimeoutError as error:
                raise Wrong(f"{self.peer.title} does not speak gRPC on its port; see {self.log}") from error
        answer: bytes = self._channel.unary_unary(GRPC_PATH)(request.message, timeout=_ANSWER_SECONDS)
        return answer

    def wait(self, kind: Kind) -> float:
        """Seconds from exec to the first correct answer."""
        request = self.request(kind)
        while True:
            try:
                self._check_one(kind, request, 0)
                return time.monotonic() - self.started
            except Wrong as error:
                if self._process.poll() is not None or time.monotonic() - self.started > START_SECONDS:
                    last = self.log.read_text(errors="replace").strip()[-500:]
                    raise ConfigurationError(
                        f"{self.peer.title} did not start: {error}; its log ends: {last}"
                    ) from error
                time.sleep(_PAUSE)

    def request_counts(self) -> RequestCounts | None:
        """What /metrics says of the requests so far; None of a server that has no fast path."""
        if self.peer.name != "ours":
            return None
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.http}/metrics", timeout=_ANSWER_SECONDS) as answer:
            return parse_metrics(answer.read().decode())

    def settle(self) -> None:
        """Wait until nothing is left to do of the load before: the next server gets the core to itself."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        cpu = usage.cpu_seconds(self.pid)
        while time.monotonic() < deadline:
            time.sleep(0.05)
            now = usage.cpu_seconds(self.pid)
            if now - cpu < 0.02:
                return
            cpu = now

    def stop(self) -> None:
        """End it and all it started, at once: no server here has anything to save."""
        if self._channel is not None:
            self._channel.close()
        if self._http is not None:
            self._http.close()
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def parse_metrics(text: str) -> RequestCounts | None:
    """Read the sums over all labels of what Prometheus is told; None where there is no fast path."""
    sums: dict[str, float] = {}
    for line in text.splitlines():
        name = line.partition("{")[0]
        if name in ("modelpin_requests_total", "modelpin_fast_requests_total"):
            sums[name] = sums.get(name, 0) + float(line.rpartition(" ")[2])
    if "# TYPE modelpin_fast_requests_total" not in text:
        return None
    return RequestCounts(sums.get("modelpin_requests_total", 0), sums.get("modelpin_fast_requests_total", 0))
