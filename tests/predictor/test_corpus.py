"""Malformed, unusual and legal requests against the running predictor: each gets the one answer that is right."""

from __future__ import annotations

import re

import pytest

from tests.predictor import corpus_binary, corpus_grpc, corpus_http, corpus_raw, corpus_v1, corpus_v2
from tests.predictor.answer import Answer, check_message
from tests.predictor.conftest import Server, Servers
from tests.predictor.corpus import Call, Case, Raw

HTTP = [
    pytest.param(case, id=f"{table.__name__.rpartition('_')[2]}: {case.name}")
    for table in (corpus_v1, corpus_v2, corpus_binary, corpus_http)
    for case in table.CASES
]


@pytest.mark.parametrize("case", HTTP)
def test_http(servers: Servers, without_fast_path: Servers, case: Case) -> None:
    """Each line of the HTTP tables gets its status, and a body that says why; the same without the fast path."""
    server = servers[case.model]
    path = case.path.replace("{model}", case.model).replace("{digest}", server.model.digest)
    answer = server.request(case.method, path, case.chunks(), case.headers)
    assert answer.headers["x-model-digest"] == server.model.digest
    assert answer.headers["x-model-release"] == server.model.release
    assert answer.same(without_fast_path[case.model].request(case.method, path, case.chunks(), case.headers))
    if case.method == "HEAD":
        assert (answer.status, answer.body) == (case.status, b"")
        return
    text = answer.checked()
    assert (answer.status, case.says in text) == (case.status, True), text[:400]


@pytest.mark.parametrize("case", corpus_raw.CASES, ids=lambda case: case.name)
def test_raw(iris: Server, without_fast_path: Servers, case: Raw) -> None:
    """Bytes that no client library writes are answered like any other request, and the connection ends."""
    answer = Answer.parse(iris.raw(case.data))
    assert answer.same(Answer.parse(without_fast_path["iris"].raw(case.data)))
    text = answer.checked()
    assert (answer.status, case.says in text) == (case.status, True), text


@pytest.mark.parametrize("case", corpus_grpc.CASES, ids=lambda case: case.name)
def test_grpc(servers: Servers, without_fast_path: Servers, case: Call) -> None:
    """Each line of the gRPC table gets its code, and details that say why, with the fast path and without."""
    server = servers[case.model]
    request = case.request if isinstance(case.request, bytes) else case.request.SerializeToString()
    if b"{digest}" in request:
        message = type(case.request)()
        message.CopyFrom(case.request)
        field = "version" if case.method == "ModelMetadata" else "model_version"
        setattr(message, field, server.model.digest)
        request = message.SerializeToString()
    code, text = server.call(case.method, request)
    assert (code, text) == without_fast_path[case.model].call(case.method, request)
    assert (code, case.says in text) == (case.code, True), text[:400]
    if code != "OK":
        check_message(text)


def test_pipelined(iris: Server) -> None:
    """Requests written one behind the other on one connection are answered in their order."""
    body = corpus_http.BODY
    head = corpus_raw.SIZED.replace(b"Connection: close\r\n", b"")
    wrong = head.replace(b"%d" % len(body), b"2") + b"\r\n{}"
    received = iris.raw(head + b"\r\n" + body + wrong + corpus_raw.SIZED + b"\r\n" + body)
    assert re.findall(rb"HTTP/1.1 (\d+) ", received) == [b"200", b"400", b"200"]


def test_body_cut_short(iris: Server) -> None:
    """A body that ends before its declared length gets no answer, and its connection is closed."""
    assert iris.raw(corpus_raw.TYPED + b"Content-Length: 500\r\n\r\n{", half_close=True) == b""


def test_still_well(servers: Servers, without_fast_path: Servers) -> None:
    """After all of that every predictor is the same process, answers, and blames itself for nothing in its log."""
    for server in (*servers.values(), *without_fast_path.values()):
        assert server.process.poll() is None
        assert server.request("GET", "/v2/health/ready").status == 200
        assert "Traceback" not in server.log.read_text()
