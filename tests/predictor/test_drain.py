"""SIGTERM under load: readiness goes at once, and no request gets an error."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from pathlib import Path

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from predictor.health import _messages
from tests.predictor.conftest import START_SECONDS, Server, start
from tests.predictor.corpus import ROW
from tests.predictor.load import Load
from tests.predictor.models import Packaged

_ASKED, _TOLD = _messages()
SERVING, NOT_SERVING = 1, 2


@pytest.fixture
def server(packaged: dict[str, Packaged], tmp_path: Path) -> Server:
    """A predictor of its own, which the test ends."""
    made = start(packaged["iris"], tmp_path / "log", PREDICTOR_DRAIN_SECONDS="1", PREDICTOR_GRACE_SECONDS="10")
    made.wait()
    return made


def health(server: Server, service: str = "") -> int:
    """grpc.health.v1's answer."""
    check = server.channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=_ASKED.SerializeToString,
        response_deserializer=_TOLD.FromString,
    )
    status: int = check(_ASKED(service=service), timeout=5).status
    return status


class Calls(threading.Thread):
    """gRPC infer calls one after the other on one channel, until stopped; codes are counted."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)  # a failing test must not wait for it
        self.codes: Counter[str] = Counter()
        self.stopped = threading.Event()
        self._server = server

    def run(self) -> None:
        contents = pb.InferTensorContents(fp64_contents=ROW)
        tensor = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype="FP64", shape=[1, 4], contents=contents)
        asked = pb.ModelInferRequest(model_name="iris", inputs=[tensor])
        while not self.stopped.wait(0.005):
            try:
                self._server.stub.ModelInfer(asked, timeout=5)
                self.codes["OK"] += 1
            except grpc.RpcError as error:
                refused = "connection refused" in (error.details() or "").lower()
                self.codes["refused" if refused else f"{error.code().name}: {error.details()}"] += 1


def test_under_load(server: Server) -> None:
    """Keep-alive clients that send on and on, without retries, get answers or a refused connection, never an error."""
    assert (health(server), health(server, "iris")) == (SERVING, SERVING)
    changes: list[int] = []
    watch = server.channel.unary_stream(
        "/grpc.health.v1.Health/Watch",
        request_serializer=_ASKED.SerializeToString,
        response_deserializer=_TOLD.FromString,
    )(_ASKED(service="iris"), timeout=30)
    watching = threading.Thread(target=lambda: changes.extend(answer.status for answer in watch), daemon=True)
    watching.start()
    calls = Calls(server)
    calls.start()
    with Load(server, connections=16, interval=0.02) as load:
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
        code = server.process.wait(START_SECONDS)
        time.sleep(0.1)
    calls.stopped.set()
    calls.join()
    watching.join()
    assert code == 0
    assert set(load.answers) == {"200"}, load.answers
    assert load.answers["200"] > 50
    assert (load.closed > 16, load.refused > 0) == (True, True)
    assert set(calls.codes) == {"OK", "refused"}, calls.codes
    assert changes == [SERVING, NOT_SERVING]
    assert "Traceback" not in server.log.read_text()


def test_unknown_service(iris: Server) -> None:
    """grpc.health.v1 knows the server, its inference service and its model, and nothing else."""
    assert health(iris, "inference.GRPCInferenceService") == SERVING
    with pytest.raises(grpc.RpcError) as error:
        health(iris, "rose")
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
