"""How a connection goes on and ends: answers in their order, none lost, and never more read than may be."""

from __future__ import annotations

import re
import socket
import struct
import time

import pytest

from tests.deadlines import ANSWER_SECONDS
from tests.predictor.answer import Answer
from tests.predictor.conftest import Server
from tests.predictor.corpus import dumps
from tests.predictor.corpus_http import BODY, READ
from tests.predictor.corpus_raw import CHUNKED, CHUNKS, LIVE, SIZED, TYPED

GARBAGE = b"\x00garbage\r\n\r\n"
MIB = 1 << 20


def keep_alive(data: bytes) -> bytes:
    """The same request, whose connection is kept."""
    return data.replace(b"Connection: close\r\n", b"")


PREDICT = keep_alive(SIZED) + b"\r\n" + BODY
HEALTH = keep_alive(LIVE) + b"\r\n"
METADATA = HEALTH.replace(b"health/live", b"models/iris")
LONG = dumps({"instances": [[5.1, 3.5, 1.4, 0.2]] * 20_000})
HEAVY = keep_alive(TYPED) + b"Content-Length: %d\r\n\r\n" % len(LONG) + LONG
ROWS = dumps({"instances": [[5.1, 3.5, 1.4, 0.2]] * 2000})  # in a body that one read may have in it
MANY_ROWS = keep_alive(TYPED) + b"Content-Length: %d\r\n\r\n" % len(ROWS) + ROWS
BROKEN = keep_alive(CHUNKED) + b"\r\nzz\r\n"
CODED = keep_alive(CHUNKED).replace(b"chunked", b"gzip, chunked") + b"\r\n"
UNKNOWN = HEALTH.replace(b"GET", b"FROB")


@pytest.fixture(params=["on", "off"])
def server(request: pytest.FixtureRequest) -> Server:
    """The predictor of iris, with the fast path and without."""
    name = "servers" if request.param == "on" else "without_fast_path"
    server: Server = request.getfixturevalue(name)["iris"]
    return server


def statuses(received: bytes) -> list[int]:
    """The statuses of all answers, in their order."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+) ", received)]


ORDERS = {
    "a prediction and garbage": (PREDICT + GARBAGE, [200, 400]),
    "predictions and garbage": (PREDICT * 3 + GARBAGE, [200, 200, 200, 400]),
    "a heavy prediction and garbage": (HEAVY + GARBAGE, [200, 400]),
    "health and garbage": (HEALTH + GARBAGE, [200, 400]),
    "metadata and garbage": (METADATA + GARBAGE, [200, 400]),
    "an error and garbage": (keep_alive(TYPED) + b"Content-Length: 2\r\n\r\n{}" + GARBAGE, [400, 400]),
    "garbage that never ends": (PREDICT + b"x" * MIB, [200, 400]),
    "a prediction and broken chunks": (PREDICT + BROKEN, [200, 400]),
    "predictions and broken chunks": (PREDICT * 2 + METADATA + BROKEN, [200, 200, 200, 400]),
    "broken chunks and a prediction": (BROKEN + PREDICT, [400]),
    "a prediction and no host": (PREDICT + HEALTH.replace(b"Host: x\r\n", b""), [200, 400]),
    "a prediction and another coding": (PREDICT + CODED, [200, 501]),
    "a prediction and an unknown method": (PREDICT + UNKNOWN, [200, 400]),
    "a prediction and a long head": (PREDICT + HEALTH[:-2] + b"a: " + b"b" * 100_000, [200, 431]),
    "a prediction and a long target": (PREDICT + b"GET /" + b"b" * 100_000, [200, 414]),
    "the last one and garbage": (SIZED + b"\r\n" + BODY + GARBAGE, [200]),
    "the last one and another": (SIZED + b"\r\n" + BODY + PREDICT, [200]),
    "all kinds": (PREDICT + METADATA + HEALTH + PREDICT + HEAVY + LIVE + b"\r\n", [200] * 6),
    "chunks, and then another": (keep_alive(CHUNKED) + b"\r\n" + CHUNKS + LIVE + b"\r\n", [200, 200]),
}


@pytest.mark.parametrize("case", ORDERS)
def test_order(server: Server, case: str) -> None:
    """What is right is answered, in its order; then what is not, and the connection ends."""
    data, expected = ORDERS[case]
    assert statuses(server.raw(data)) == expected


@pytest.mark.parametrize("path", READ)
def test_head(server: Server, path: str) -> None:
    """HEAD has the status and the headers of GET, its length too, and no body; the connection goes on."""
    path = path.replace("{digest}", server.model.digest)
    request = b"HEAD %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode()
    head, got = server.raw(keep_alive(request) + request), Answer.parse(server.raw(request.replace(b"HEAD", b"GET", 1)))
    first, second, rest = head.split(b"\r\n\r\n")
    assert rest == b""
    fresh = ("date", "x-request-id", "connection", *(("content-length",) if path == "/metrics" else ()))
    for part in (first, second):
        answer = Answer.parse(part + b"\r\n\r\n")
        assert (answer.status, list(answer.headers)[:5]) == (got.status, list(got.headers)[:5])
        assert int(answer.headers["content-length"]) > 0
        for name in set(got.headers) - set(fresh):
            assert answer.headers[name] == got.headers[name]


def test_no_answer_is_lost(server: Server) -> None:
    """A client that sends on and on while its request is refused reads the answer all the same, and not a reset."""
    for head in (TYPED + b"Content-Length: %d\r\n\r\n" % (64 * MIB), BROKEN, HEALTH + GARBAGE):
        with socket.create_connection(("127.0.0.1", server.http_port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(head)
            for _ in range(8):
                connection.sendall(bytes(MIB))
            received = b""
            while part := connection.recv(1 << 16):
                received += part
            assert statuses(received)[-1] in (400, 413)


@pytest.mark.parametrize(("before", "count"), [(MANY_ROWS, 1), (PREDICT * 400, 400), (HEALTH * 1000, 1000)])
def test_what_comes_before_a_head(server: Server, before: bytes, count: int) -> None:
    """The limit of a head holds for the head, whatever its beginning arrives with."""
    last = LIVE + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(before + last[:-4])
        received = b""
        while len(statuses(received)) < count and (part := connection.recv(1 << 16)):
            received += part
        connection.sendall(last[-4:])
        while part := connection.recv(1 << 16):
            received += part
    assert statuses(received) == [200] * (count + 1)


@pytest.mark.parametrize(
    "start", [b"21;", b"21\r\n%s\r\n0\r\na: " % BODY, b"0" * 100], ids=["extension", "trailer", "size"]
)
def test_endless_chunks(server: Server, start: bytes) -> None:
    """What stands around the parts of a body is limited as headers are: an endless one is refused."""
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(CHUNKED + b"\r\n" + start)
        for _ in range(40):
            connection.sendall((b"0" if start[:2] == b"00" else b"a") * (8 << 10))
            time.sleep(0.001)
        answer = Answer.parse(connection.recv(1 << 16))
        assert (answer.status, "over the limit" in answer.checked()) == (431, True)


def test_many_small_chunks(server: Server) -> None:
    """A body in chunks of one byte, each with an extension, is a body."""
    chunks = b"".join(b"1;%s\r\n%c\r\n" % (b"a" * 2000, byte) for byte in BODY)
    received = server.raw(CHUNKED + b"\r\n" + chunks + b"0\r\n\r\n")
    assert statuses(received) == [200]


def test_encodings(server: Server) -> None:
    """A compressed body is refused, and the answer says what is read instead."""
    received = server.raw(SIZED + b"Content-Encoding: gzip\r\n\r\n" + BODY)
    answer = Answer.parse(received)
    assert (answer.status, answer.headers["accept-encoding"]) == (415, "identity")


def test_a_client_that_closes_its_writing_side(server: Server) -> None:
    """Before its answer has come, it counts as gone: the connection ends without an answer."""
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(HEAVY, socket.MSG_MORE)  # the last bytes wait for what says that there are no more
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


@pytest.mark.parametrize("reset", [True, False])
def test_a_client_that_leaves_several_requests(server: Server, reset: bool) -> None:
    """The requests of a client that left end, the one in work and those behind it, without an error in the log."""
    before = len(server.log.read_text())
    for request in (HEAVY, METADATA * 2, PREDICT):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", server.http_port), timeout=ANSWER_SECONDS) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))
                connection.sendall(request + PREDICT * 3)
                connection.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + ANSWER_SECONDS
    while "modelpin_in_flight 0.0" not in server.request("GET", "/metrics").body.decode():
        assert time.monotonic() < deadline
    errors = [line for line in server.log.read_text()[before:].splitlines() if "ERROR" in line or "Traceback" in line]
    assert errors == []
