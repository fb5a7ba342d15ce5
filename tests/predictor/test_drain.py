"""SIGTERM under load: readiness goes at once, and no request gets an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from predictor.health import _messages
from predictor.http2 import frames
from tests.deadlines import ANSWER_SECONDS, START_SECONDS
from tests.predictor.conftest import Server, start
from tests.predictor.corpus import ROW
from tests.predictor.http2.wire import Wire
from tests.predictor.load import Load
from tests.predictor.models import Packaged

_HealthRequest, _HealthResponse = _messages()
SERVING, NOT_SERVING = 1, 2


@pytest.fixture
def server(packaged: dict[str, Packaged], tmp_path: Path) -> Server:
    """A predictor of its own, which the test ends."""
    server = start(packaged["iris"], tmp_path / "log", PREDICTOR_DRAIN_SECONDS="1", PREDICTOR_GRACE_SECONDS="10")
    server.wait()
    return server


def health(server: Server, service: str = "") -> int:
    """grpc.health.v1's answer."""
    check = server.channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=_HealthRequest.SerializeToString,
        response_deserializer=_HealthResponse.FromString,
    )
    status: int = check(_HealthRequest(service=service), timeout=ANSWER_SECONDS).status
    return status


class Calls(threading.Thread):
    """gRPC infer calls one after the other on a connection of their own, until stopped; codes are counted."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)  # a failing test must not wait for it
        self.codes: Counter[str] = Counter()
        self.stopped = threading.Event()
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options)

    def run(self) -> None:
        contents = pb.InferTensorContents(fp64_contents=ROW)
        tensor = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype="FP64", shape=[1, 4], contents=contents)
        request = pb.ModelInferRequest(model_name="iris", inputs=[tensor])
        stub = GRPCInferenceServiceStub(self._channel)
        while not self.stopped.wait(0.005):
            try:
                stub.ModelInfer(request, timeout=ANSWER_SECONDS)
                self.codes["OK"] += 1
            except grpc.RpcError as error:
                refused = "connection refused" in (error.details() or "").lower()
                self.codes["refused" if refused else f"{error.code().name}: {error.details()}"] += 1
        self._channel.close()


@contextmanager
def busy() -> Iterator[None]:
    """As many processes that never rest as there are cores."""
    command = [sys.executable, "-c", "while True: pass"]
    hogs = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def test_under_load(server: Server) -> None:
    """Keep-alive clients that send on and on, without retries, get answers or a refused connection, never an error.

    A gRPC client that stays without a call reads GOAWAY twice: first it may still begin calls, then none.
    """
    assert (health(server), health(server, "iris")) == (SERVING, SERVING)
    changes: list[int] = []
    watch = server.channel.unary_stream(
        "/grpc.health.v1.Health/Watch",
        request_serializer=_HealthRequest.SerializeToString,
        response_deserializer=_HealthResponse.FromString,
    )(_HealthRequest(service="iris"), timeout=ANSWER_SECONDS)
    watching = threading.Thread(target=lambda: changes.extend(answer.status for answer in watch), daemon=True)
    watching.start()
    calls = Calls(server)
    calls.start()
    with Load(server, connections=16, interval=0.02) as load, Wire(server.grpc_port) as wire:
        time.sleep(1)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        for path in ("/v2/health/ready", "/v1/models/iris", "/v2/models/iris/ready"):
            answer = server.request("GET", path)
            assert (answer.status, answer.headers["retry-after"], answer.headers["connection"]) == (503, "1", "close")
        assert server.request("GET", "/v2/health/live").status == 200
        assert health(server) == NOT_SERVING
        assert not server.stub.ServerReady(pb.ServerReadyRequest()).ready
        assert not server.stub.ModelReady(pb.ModelReadyRequest(name="iris")).ready
        last = [frame.payload for frame in wire.read() if frame.kind == frames.GOAWAY]
        code = server.process.wait(START_SECONDS)
        time.sleep(0.1)
    calls.stopped.set()
    calls.join()
    watching.join()
    assert last == [b"\x7f\xff\xff\xff" + bytes(4), bytes(8)]
    assert code == 0
    assert set(load.answers) == {"200"}, load.answers
    assert load.answers["200"] > 0
    assert (load.closed > 0, load.refused > 0) == (True, True)
    assert set(calls.codes) == {"OK", "refused"}, calls.codes
    assert changes == [SERVING, NOT_SERVING]
    assert "Traceback" not in server.log.read_text()


# Once is a story; twenty times a sweep.
@pytest.mark.story
@pytest.mark.parametrize("run", [pytest.param(run, marks=pytest.mark.sweep(sample=run == 0)) for run in range(20)])
@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_on_busy_cores(
    packaged: dict[str, Packaged],
    tmp_path: Path,
    protocol: str,
    run: int,
) -> None:
    """With every core busy too, whoever is connected gets answers, and who comes later a refused connection."""
    settings = {"PREDICTOR_DRAIN_SECONDS": "1", "PREDICTOR_GRACE_SECONDS": "20"}
    server = start(packaged["iris"], tmp_path / "log", **settings)
    server.wait()
    with busy():
        if protocol == "rest":
            with Load(server, connections=16, interval=0.02) as load:
                time.sleep(1 + run / 100)
                server.process.send_signal(signal.SIGTERM)
                code = server.process.wait(START_SECONDS)
                time.sleep(0.1)
            got = load.answers + Counter(refused=load.refused)
        else:
            calls = [Calls(server) for _ in range(6)]
            for call in calls:
                call.start()
            time.sleep(1 + run / 100)
            server.process.send_signal(signal.SIGTERM)
            code = server.process.wait(START_SECONDS)
            time.sleep(0.1)
            for call in calls:
                call.stopped.set()
            for call in calls:
                call.join()
            got = sum((call.codes for call in calls), Counter())
    assert (code, set(got) - {"refused"}) == (0, {"200" if protocol == "rest" else "OK"}), got


def test_unknown_service(iris: Server) -> None:
    """grpc.health.v1 knows the server, its inference service and its model, and nothing else."""
    assert health(iris, "inference.GRPCInferenceService") == SERVING
    with pytest.raises(grpc.RpcError) as error:
        health(iris, "rose")
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
