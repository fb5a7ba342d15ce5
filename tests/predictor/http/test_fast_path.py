"""The fast path over real sockets in this process: what takes it, what does not, and that no answer tells which."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import pairwise

import numpy as np
import pytest

from predictor.http import connection
from tests.predictor.corpus import NAMES
from tests.predictor.http.fast_server import (
    BODY,
    LATEST,
    SETOSA,
    V2,
    post,
    run,
    running,
)
from tests.predictor.models import Packaged


@pytest.fixture(scope="module")
def iris(packaged: dict[str, Packaged]) -> Packaged:
    """The model iris."""
    return packaged["iris"]


OBJECTS = json.dumps({"instances": [dict.fromkeys(NAMES, 0.5)] * 200}).encode()


def binary(rows: int) -> bytes:
    """A v2 request of one binary tensor, asking for labels alone."""
    parameters = {"binary_data_size": rows * 32}
    tensor = {"name": "input-0", "shape": [rows, 4], "datatype": "FP64", "parameters": parameters}
    head = json.dumps({"inputs": [tensor], "outputs": [{"name": "label"}]}).encode()
    body = head + np.tile([5.1, 3.5, 1.4, 0.2], rows).tobytes()
    return post(body, f"inference-header-content-length: {len(head)}", path="/v2/models/iris/infer")


PLAIN = {
    "alone": (post(),),
    "v2": (post(V2, path="/v2/models/iris/infer"),),
    "a last slash": (post(path="/v1/models/iris:predict/"),),
    "a last slash of v2": (post(V2, path="/v2/models/iris/infer/"),),
    "an absolute target": (post(path="http://x/v1/models/iris:predict"),),
    "its head before its body": (post().removesuffix(BODY), BODY),
    "its first line in two": (post()[:9], post()[9:]),
    "typed": (post(BODY, "Content-Type: Application/JSON; charset=UTF-8"),),
    "a long body": (post(BODY + b" " * 70_000),),
    "a long body in some pieces": (post(BODY + b" " * 70_000)[:40_000], post(BODY + b" " * 70_000)[40_000:]),
    "a long body with its bytes": (binary(2_100),),
    "named": (post(BODY, "x-request-id: a", "traceparent: x", "accept: */*", "connection: keep-alive"),),
}
NOT_PLAIN = {
    "a wrong body": (post(b"{}"), 400),
    "a body of another type": (post(BODY, "content-type: text/csv"), 415),
    "the last of its connection": (post(BODY, "connection: close"), 200),
    "HTTP/1.0": (post(BODY, version="1.0"), 200),
    "chunks": (post(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY), "transfer-encoding: chunked"), 200),
    "a header twice": (post(BODY, "content-type: application/json", "content-type: application/json"), 400),
    "an event": (post(BODY, "ce-specversion: 1.0", "ce-id: 1", "ce-source: x", "ce-type: x"), 200),
    "a length of its JSON": (post(BODY, f"inference-header-content-length: {len(BODY)}"), 400),
    "another encoding": (post(BODY, "content-encoding: gzip"), 415),
    "a query": (post(BODY, path="/v1/models/iris:predict?x"), 200),
    "another model": (post(BODY, path="/v1/models/rose:predict"), 404),
    "no body": (post(b""), 400),
    "a very long body": (post(BODY + b" " * 270_000), 200),
    "a long body of objects": (post(OBJECTS + b" " * 70_000), 200),
    "a very long body with its bytes": (binary(8_200), 200),
    "a long answer": (post(b'{"instances":[' + b"[1,1,1,1]," * 3000 + b'[1,1,1,1]],"probabilities":true}'), 200),
    "a body in pieces": (post(), 200),
}


def test_what_takes_it(iris: Packaged, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain requests are answered on the fast path, again and again on one connection."""
    monkeypatch.setattr(connection, "PAUSE", LATEST)  # on a busy machine a body may come late

    async def test() -> None:
        async with running(iris) as server:
            client = await server.connect()
            for number, parts in enumerate(PLAIN.values(), 1):
                answer = await client.ask(*parts)
                assert (answer.status, b"setosa" in answer.body) == (200, True)
                assert (server.counter("fast_requests"), server.counter("requests")) == (number, number)

    run(test)


@pytest.mark.parametrize("case", NOT_PLAIN)
def test_what_does_not(iris: Packaged, case: str) -> None:
    """Anything else is answered as ever, and counted once."""
    data, status = NOT_PLAIN[case]

    async def test() -> None:
        async with running(iris) as server:
            client = await server.connect()
            ends = range(len(data) - 9, len(data)) if case == "a body in pieces" else ()
            parts = [data[start:end] for start, end in pairwise((0, *ends, len(data)))]
            assert (await client.ask(*parts)).status == status
            assert (server.counter("fast_requests"), server.counter("requests")) == (0, 1)
            assert server.lifecycle.light.busy == server.lifecycle.buffers.used == 0

    run(test)


@pytest.mark.parametrize("host", [b"host: a b", b"host: a/b", b"host: a:b:c", b"host: a\r\nhost: a", b"accept: */*"])
def test_a_wrong_host(iris: Packaged, host: bytes) -> None:
    """What is plain but for its Host header is refused as any request is, and ends its connection."""

    async def test() -> None:
        async with running(iris) as server:
            client = await server.connect()
            answer = await client.ask(re.sub(rb"(?i)host: [^\r]*", host, post()))
            assert (answer.status, b"Host header" in answer.body) == (400, True)
            assert await client.ended()

    run(test)


def test_a_body_that_takes_its_time(iris: Packaged) -> None:
    """A body that comes late is waited for as long as any; one that never comes is 408, then the connection ends."""

    async def test() -> None:
        async with running(iris, body_seconds=1) as server:
            client = await server.connect()
            client.writer.write(post().removesuffix(BODY))
            await asyncio.sleep(2 * connection.PAUSE)
            assert (await client.ask(BODY)).status == 200
            assert (await client.ask(post().removesuffix(BODY))).status == 408
            assert await client.ended()
            assert server.counter("rejects") == 1

    run(test)


def test_one_behind_the_other(iris: Packaged) -> None:
    """Pipelined requests are answered in their order, whichever way each goes."""

    async def test() -> None:
        async with running(iris) as server:
            client = await server.connect()
            kinds = [post(BODY, f"x-request-id: {number}") for number in range(9)]
            kinds[4] = post(b"{}", "x-request-id: 4")
            client.writer.write(b"".join(kinds))
            answers = [await client.answer() for _ in kinds]
            assert [answer.headers["x-request-id"] for answer in answers] == list("012345678")
            assert [answer.status for answer in answers] == [200] * 4 + [400] + [200] * 4
            assert server.counter("fast_requests") >= 1
            assert (await client.ask(post())).body == SETOSA

    run(test)
