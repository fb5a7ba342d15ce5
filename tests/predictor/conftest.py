"""The predictor as it ships: `python -m predictor` in a process of its own, asked over sockets.

Most predictors are forks of one process that has imported it (`start`); where the start itself is what a test is about,
an interpreter of its own runs it (`start_anew`).
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import text_format

from local.ports import free
from tests.deadlines import ANSWER_SECONDS, START_SECONDS
from tests.pipeline.commands import Commands, Fork
from tests.predictor import models
from tests.predictor.answer import Answer
from tests.predictor.models import Packaged

# `import kserve` reads sys.argv with a parser of its own, which would take pytest's options for its own.
_argv, sys.argv = sys.argv, sys.argv[:1]
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb  # noqa: E402
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub  # noqa: E402

sys.argv = _argv

ROOT = Path(__file__).parents[2]
REUSE_SECONDS = 30.0  # below the server's idle_seconds: a connection that it has closed meanwhile is not written to


@dataclass
class Server:
    """A running predictor and ways to talk to it."""

    model: Packaged
    process: subprocess.Popen[bytes] | Fork
    http_port: int
    grpc_port: int
    log: Path
    _local: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def request(
        self, method: str, path: str, body: bytes | Iterator[bytes] = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """One request on a connection kept open between requests; an iterator is sent as chunks."""
        connection, used = self._local.get("http", (None, 0.0))
        if connection is None or time.monotonic() - used > REUSE_SECONDS:
            if connection is not None:
                connection.close()
            connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=ANSWER_SECONDS)
        self._local["http"] = connection, time.monotonic()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        except Exception:
            connection.close()
            raise

    def post(self, path: str, value: Any, headers: dict[str, str] | None = None) -> Answer:
        """POST `value` as JSON."""
        body = json.dumps(value, ensure_ascii=False).encode()
        return self.request("POST", path, body, {"content-type": "application/json", **(headers or {})})

    def raw(self, data: bytes, *, half_close: bool = False) -> bytes:
        """Send bytes as they are, perhaps say that there are no more; what comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            while part := connection.recv(1 << 16):
                received += part
            return received

    @cached_property
    def channel(self) -> grpc.Channel:
        """A gRPC channel to this server."""
        limits = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        return grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", options=limits)

    @property
    def stub(self) -> GRPCInferenceServiceStub:
        """KServe's gRPC service on a channel of this server."""
        return GRPCInferenceServiceStub(self.channel)

    def call(self, method: str, request: bytes) -> tuple[str, str]:
        """(code, text) of one gRPC call with a serialised request: the answer as text format, or the details."""
        call = self.channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
        try:
            answer = call(request, timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        return "OK", text_format.MessageToString(getattr(pb, f"{method}Response").FromString(answer), as_utf8=True)

    @property
    def v1(self) -> str:
        return f"/v1/models/{self.model.name}:predict"

    @property
    def v2(self) -> str:
        return f"/v2/models/{self.model.name}/infer"

    def wait(self) -> None:
        """Until the model answers ready."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, f"the predictor ended: {self.log.read_text()}"
            assert time.monotonic() < deadline, f"the predictor is not ready: {self.log.read_text()}"
            try:
                if self.request("GET", f"/v2/models/{self.model.name}/ready").status == 200:
                    return
            except OSError:
                time.sleep(0.05)

    def forget(self) -> None:
        """Send the next request on a new connection."""
        if server := self._local.pop("http", None):
            server[0].close()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.forget()
        if "channel" in vars(self):
            self.channel.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=START_SECONDS)


def command(directory: Path, name: str, *arguments: str, ports: list[int] | None = None) -> list[str]:
    """`python -m predictor` on free ports of the loopback."""
    http_port, grpc_port = ports or free(2)
    listen = ["--host", "127.0.0.1", "--http_port", str(http_port), "--grpc_port", str(grpc_port)]
    named = ["--model_dir", str(directory), "--model_name", name]
    return [sys.executable, "-m", "predictor", *named, *listen, *arguments]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would name a model, one thread a process."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MODEL_URI", "MODEL_RELEASE")}
    return {
        **environment,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PREDICTOR_DRAIN_SECONDS": "0.1",
        **changes,
    }


@cache
def forks() -> Commands:
    """The process that forks predictors."""
    return Commands(environment(), "predictors")


def start(model: Packaged, log: Path, module: str = "predictor", *arguments: str, **settings: str) -> Server:
    """A predictor of `model`, or `module` with `arguments` before a predictor's, not yet ready.

    `settings` are environment variables.
    """
    ports = free(2)
    line = command(model.directory, model.name, "--expected_digest", model.digest, ports=ports)
    env = environment(MODEL_RELEASE=model.release, **settings)
    with log.open("wb") as output:
        process = forks().start(module, [*arguments, *line[3:]], env, ROOT, output)
    return Server(model, process, *ports, log)


def start_anew(model: Packaged, log: Path, **settings: str) -> Server:
    """The same in an interpreter of its own."""
    ports = free(2)
    line = command(model.directory, model.name, "--expected_digest", model.digest, ports=ports)
    env = environment(MODEL_RELEASE=model.release, **settings)
    with log.open("wb") as output:
        process = subprocess.Popen(line, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
    return Server(model, process, *ports, log)


class Servers(Mapping[str, Server]):
    """A predictor a model, by name, started when it is first asked for; its settings are environment variables."""

    def __init__(self, packaged: dict[str, Packaged], logs: Path, **settings: str) -> None:
        self._packaged, self._logs, self._settings = packaged, logs, settings
        self._running: dict[str, Server] = {}

    def __getitem__(self, name: str) -> Server:
        if name not in self._running:
            server = start(self._packaged[name], self._logs / f"{name}.log", **self._settings)
            self._running[name] = server
            server.wait()
        return self._running[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packaged)

    def __len__(self) -> int:
        return len(self._packaged)

    def close(self) -> None:
        """End those that run."""
        with ThreadPoolExecutor(len(self._running) or 1) as pool:
            codes = set(pool.map(Server.stop, self._running.values()))
        assert codes <= {0}, "SIGTERM ends a predictor with 0"


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Packaged]:
    """The models of models.py as artifacts, by name."""
    folder = tmp_path_factory.mktemp("models")
    makers = (models.iris, models.people, models.counts, models.prices, models.echo)
    return {maker.__name__: maker(folder / maker.__name__) for maker in makers}


@pytest.fixture(scope="session")
def servers(packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """One running predictor a model, by name, for the whole session."""
    with closing(Servers(packaged, tmp_path_factory.mktemp("logs"))) as servers:
        yield servers


@pytest.fixture(scope="session")
def without_fast_path(packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The same with the fast path off."""
    with closing(Servers(packaged, tmp_path_factory.mktemp("logs"), PREDICTOR_FAST_PATH="off")) as servers:
        yield servers


@pytest.fixture(scope="session")
def iris(servers: Servers) -> Server:
    """The predictor of the model iris."""
    return servers["iris"]
