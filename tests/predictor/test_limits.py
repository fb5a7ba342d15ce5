"""Limits of a running predictor: what is over them is refused soon, what stalls ends, and health answers meanwhile."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from monitoring import live
from predictor.http2 import frames
from predictor.http2.frames import frame
from tests.deadlines import ANSWER_SECONDS
from tests.predictor.answer import Answer
from tests.predictor.conftest import Server, start
from tests.predictor.connections import ask, opened, until_closed
from tests.predictor.corpus import ROW
from tests.predictor.http2.wire import Wire
from tests.predictor.models import Packaged

MIB = 1 << 20
HANG = ANSWER_SECONDS  # what is measured belongs to `make bench`; here only what never comes is a failure
SETTINGS = {
    "PREDICTOR_BODY_BYTES": str(24 * MIB),
    "PREDICTOR_ROWS": "1000000",
    "PREDICTOR_HEADER_BYTES": "4096",
    "PREDICTOR_HEADER_SECONDS": "0.5",
    "PREDICTOR_BODY_SECONDS": "3",
    "PREDICTOR_SEND_SECONDS": "1",
    "PREDICTOR_GRPC_IDLE_SECONDS": "0.5",
    "PREDICTOR_CONNECTIONS": "220",
    "PREDICTOR_HEAVY_QUEUE": "1",
    "PREDICTOR_BUFFERED_BYTES": str(64 * MIB),
}
# A process of its own asks for health, so that what the test does at the same time does not count.
PROBE = """
import http.client, sys, time
connection, worst = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1])), 0.0
print("begun", flush=True)
while time.monotonic() < float("inf"):
    started = time.monotonic()
    connection.request("GET", "/v2/health/ready")
    assert connection.getresponse().read() == b'{"ready":true}'
    worst = max(worst, time.monotonic() - started)
    print(worst, flush=True)
    time.sleep(0.005)
"""


@pytest.fixture(scope="module")
def server(packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor with limits that a test reaches."""
    server = start(packaged["iris"], tmp_path_factory.mktemp("limits") / "log", **SETTINGS)
    server.wait()
    yield server
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


def rows(count: int) -> bytes:
    """A v1 body of `count` rows."""
    return b'{"instances":[' + b",".join([b"[5.1,3.5,1.4,0.2]"] * count) + b"]}"


def metric(server: Server, line: str) -> float:
    """The value of one line of /metrics; 0 where it is not there."""
    match = re.search(rf"^{re.escape(line)} (\S+)$", server.request("GET", "/metrics").body.decode(), re.M)
    return float(match[1]) if match else 0.0


def memory(server: Server) -> int:
    """MiB that the predictor has resident."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) // 1024


def long_v1() -> tuple[bytes, dict[str, str]]:
    """Four times the rows that are the default limit, as JSON."""
    return rows(400_000), {}


def long_v2() -> tuple[bytes, dict[str, str]]:
    """A million rows, in binary."""
    shape = {"shape": [10**6, 4], "parameters": {"binary_data_size": 16 * 10**6}}
    request = {"inputs": [{"name": "input-0", "datatype": "FP32", **shape}], "outputs": [{"name": "label"}]}
    head = json.dumps(request).encode()
    return head + bytes(16 * 10**6), {"inference-header-content-length": str(len(head))}


@pytest.mark.parametrize("long", [long_v1, long_v2], ids=["v1", "v2"])
def test_health_during_a_long_request(server: Server, long: Callable[[], tuple[bytes, dict[str, str]]]) -> None:
    """While very many rows are read, predicted and answered, health goes on answering."""
    body, headers = long()
    probe = subprocess.Popen([sys.executable, "-c", PROBE, str(server.http_port)], stdout=subprocess.PIPE, text=True)
    try:
        assert probe.stdout is not None
        assert probe.stdout.readline() == "begun\n"
        answer = server.request("POST", server.v2 if headers else server.v1, body, headers)
    finally:
        probe.kill()
        worst = probe.communicate()[0].splitlines()[:-1]  # the last may be half a line
    assert (answer.status, len(answer.body) > 3_000_000) == (200, True)
    assert len(worst) > 2
    assert float(worst[-1]) < HANG


def test_overload(server: Server) -> None:
    """Heavy requests beyond the lane and its queue are refused at once, and small ones are answered meanwhile."""
    body, answers = rows(150_000), []
    before = metric(server, 'modelpin_rejects_total{reason="queue"}')
    threads = [threading.Thread(target=lambda: answers.append(ask(server, body))) for _ in range(6)]
    for thread in threads:
        thread.start()
    small, seconds = ask(server, rows(1))
    for thread in threads:
        thread.join()
    assert (small.status, seconds < HANG) == (200, True)
    refused = [answer for answer, _ in answers if answer.status == 503]
    assert {answer.status for answer, _ in answers} == {200, 503}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert "try again" in refused[0].json["error"]
    assert metric(server, 'modelpin_rejects_total{reason="queue"}') - before == len(refused)


def test_too_much(server: Server) -> None:
    """Rows, bytes and headers over their limits are 413, 413 and 431, and say which limit."""
    answer, _ = ask(server, rows(1_000_001))
    assert (answer.status, "1000001 rows, the limit is 1000000" in answer.checked()) == (413, True)
    tensor = {"name": "x", "datatype": "FP64", "shape": [10**7, 4], "parameters": {"binary_data_size": 10**7}}
    head = json.dumps({"inputs": [tensor]}).encode()
    named = {"inference-header-content-length": str(len(head))}
    assert server.request("POST", server.v2, head + bytes(10**7), named).status == 413
    with opened(
        server, b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" % server.v1.encode()
    ) as connection:
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
    long = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 5000
    for data in (long + b"\r\n\r\n", long):
        with opened(server, data) as connection:
            answer = Answer.parse(until_closed(connection))
        assert (answer.status, "limit of 4096 bytes" in answer.checked()) == (431, True)


def test_too_much_over_grpc(server: Server) -> None:
    """The same over gRPC: RESOURCE_EXHAUSTED for too many rows and too long a message."""
    raw = pb.ModelInferRequest(model_name="iris", raw_input_contents=[bytes(8 * 1_000_004)])
    raw.inputs.add(name="input-0", datatype="FP64", shape=[1_000_001, 1])
    assert server.call("ModelInfer", raw.SerializeToString())[0] == "RESOURCE_EXHAUSTED"
    assert server.call("ModelInfer", bytes(25 * MIB))[0] == "RESOURCE_EXHAUSTED"


def test_refused_messages_leave_nothing(server: Server) -> None:
    """Long messages and bodies that are refused are out of memory when they are answered."""
    message = pb.ModelInferRequest(model_name="rose", raw_input_contents=[bytes(20 * MIB)]).SerializeToString()
    assert server.call("ModelInfer", message)[0] == "NOT_FOUND"
    before = memory(server)
    for _ in range(15):
        assert server.call("ModelInfer", message)[0] == "NOT_FOUND"
        assert server.request("POST", server.v1, b'"' + bytes(20 * MIB)).status == 400
    assert memory(server) - before < 200


def test_stalled(server: Server) -> None:
    """Clients that stall in the head, the body or the answer hold no place, little memory, and not for ever."""
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (server.v1.encode(), 16 * MIB)
    before = memory(server)
    waiting = [opened(server, head + b"x" * 200_000) for _ in range(100)]
    waiting += [opened(server, b"POST / HTTP/1.1\r\nHost: ") for _ in range(98)]
    body = rows(200_000)[:-1] + b',"probabilities":true}'  # an answer that no socket's buffer holds
    ask_long = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (server.v1.encode(), len(body)) + body
    readers = [opened(server, ask_long)]
    for _ in range(20):
        answer, seconds = ask(server, rows(1))
        assert (answer.status, seconds < HANG) == (200, True)
    assert metric(server, "modelpin_buffered_bytes") > 15 * MIB
    assert memory(server) - before < 200
    answers = {Answer.parse(received).status for received in map(until_closed, waiting[:100])}
    assert answers == {408}
    assert {until_closed(connection) for connection in waiting[100:]} == {b""}
    deadline = time.monotonic() + ANSWER_SECONDS
    while metric(server, "modelpin_buffered_bytes") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert metric(server, "modelpin_buffered_bytes") == 0
    assert metric(server, 'modelpin_rejects_total{reason="unread"}') == 1
    assert metric(server, 'modelpin_rejects_total{reason="body-slow"}') == 100
    for connection in (*waiting, *readers):
        connection.close()


def test_faults_of_callers(server: Server) -> None:
    """A body that arrives too slowly, and one that is compressed in an unknown way, is no error of ours, neither over
    HTTP nor over gRPC.
    """
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n" % server.v1.encode()
    with opened(server, head + b"\r\n") as slow, Wire(server.grpc_port) as wire:
        packed = frame(frames.DATA, frames.END_STREAM, 1, b"\1\0\0\0\1x")
        assert wire.ask(1, wire.head(1, grpc_encoding="br"), packed).status == "12"
        assert server.request("POST", server.v1, b"x", {"content-encoding": "br"}).status == 415
        assert wire.ask(3, wire.head(3)).status == "4"
        assert Answer.parse(until_closed(slow)).status == 408
    scrape = server.request("GET", "/metrics").body.decode()
    codes = set(re.findall(r'^modelpin_requests_total\{.*code="([^"]+)".*\} [^0]', scrape, re.M))
    assert {"408", "415", "DEADLINE_EXCEEDED", "UNIMPLEMENTED"} <= codes
    assert not any(map(live.failed, ("408", "415", "DEADLINE_EXCEEDED", "UNIMPLEMENTED")))


def test_connections(server: Server) -> None:
    """Of more connections than may be open, those that rest, or have half a head, make room on both ports; where each
    has a request, others are told to try again.
    """
    body = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n" % server.v1.encode()
    with ExitStack() as connections:
        begun = [connections.enter_context(opened(server, body)) for _ in range(260)]
        for answer in map(Answer.parse, map(until_closed, begun[-35:])):  # connections of other tests may be open, too
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert answer.json["error"] == "too many connections are open; try again in a second"
    server.forget()  # the connection that rested, and made room
    assert 40 <= metric(server, 'modelpin_rejects_total{reason="connections"}') <= 45
    with ExitStack() as connections:
        for begin in (b"", b"POST / HTTP/1.1\r\nHost: "):
            for _ in range(230):
                connections.enter_context(opened(server, begin))
                connections.enter_context(Wire(server.grpc_port, first=frames.PREFACE[: len(begin)] or None))
            assert ask(server, rows(1))[0].status == 200
            assert server.call("ServerReady", b"") == ("OK", "ready: true\n")
    server.forget()


def test_a_client_that_calls_seldom(server: Server) -> None:
    """gRPC's own client, whose connection ends between its calls, connects again, and no call fails."""
    for seconds in (0.5, 1.0, 1.5, 2.0):  # about when the client is told to leave, and when the connection is closed
        assert server.call("ServerReady", b"") == ("OK", "ready: true\n")
        time.sleep(seconds)
    assert server.call("ServerReady", b"") == ("OK", "ready: true\n")


def test_headers_of_nothing(server: Server) -> None:
    """A header counts 32 bytes more than it has, as over gRPC: many short ones take far more memory than bytes."""
    head = b"GET /v2 HTTP/1.1\r\nHost: x\r\n"
    for end in (b"\r\n", b""):
        with opened(server, head + b"a:\r\n" * 200 + end) as connection:
            assert Answer.parse(until_closed(connection)).status == 431
    with opened(server, head + b"Connection: close\r\n" + b"a:\r\n" * 100 + b"\r\n") as connection:
        assert Answer.parse(until_closed(connection)).status == 200


def test_bodies_in_memory(server: Server) -> None:
    """More bytes of bodies than may be in memory are refused with 503 at once, over gRPC with UNAVAILABLE."""
    length = 23 * MIB
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (server.v1.encode(), length)
    waiting = [opened(server, head + bytes(length - 1)) for _ in range(2)]
    deadline = time.monotonic() + ANSWER_SECONDS
    while metric(server, "modelpin_buffered_bytes") < 2 * (length - MIB) and time.monotonic() < deadline:
        time.sleep(0.02)
    with opened(server, head) as connection:
        started = time.monotonic()
        received = connection.recv(1 << 16)
        assert (received[:13], time.monotonic() - started < HANG) == (b"HTTP/1.1 503 ", True)
        assert b"retry-after: 1" in received
    raw = pb.ModelInferRequest(model_name="iris", raw_input_contents=[bytes(20 * MIB)])
    with pytest.raises(grpc.RpcError) as error:
        server.stub.ModelInfer(raw, timeout=ANSWER_SECONDS)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    for connection in waiting:
        connection.close()
    assert server.post(server.v1, {"instances": [ROW]}).status == 200
