"""Calls as clients may send them: in pieces, compressed, several in one packet, or not as gRPC has them."""

from __future__ import annotations

import gzip
import zlib

import grpc
import pytest

from predictor.http2 import frames
from predictor.http2.frames import frame
from tests.deadlines import ANSWER_SECONDS
from tests.predictor import corpus_grpc
from tests.predictor.conftest import Server
from tests.predictor.corpus import ROW
from tests.predictor.http2.wire import INFER, Wire
from tests.predictor.test_limits import metric

MESSAGE = corpus_grpc.request(corpus_grpc.one_input(fp64_contents=ROW)).SerializeToString()
DATA = len(MESSAGE).to_bytes(5, "big") + MESSAGE


def compressed(data: bytes) -> bytes:
    return b"\1" + len(data).to_bytes(4, "big") + data


def test_many_in_one_packet(iris: Server) -> None:
    """Calls that arrive together on one connection are each answered, with their own ids."""
    with Wire(iris.grpc_port) as wire:
        wire.send(*(wire.call(stream, MESSAGE, x_request_id=f"call-{stream}") for stream in range(1, 21, 2)))
        for stream, reply in wire.replies(*range(1, 21, 2)).items():
            assert (reply.status, reply.fields["x-request-id"]) == ("0", f"call-{stream}")
            assert b"setosa" in reply.body


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_in_pieces(iris: Server, step: int) -> None:
    """A message may come in frames of any length; the last may be empty."""
    with Wire(iris.grpc_port) as wire:
        pieces = [frame(frames.DATA, 0, 1, DATA[at : at + step]) for at in range(0, len(DATA), step)]
        reply = wire.ask(1, wire.head(1), *pieces, frame(frames.DATA, frames.END_STREAM, 1))
        assert (reply.status, b"setosa" in reply.body) == ("0", True)


@pytest.mark.parametrize(
    ("data", "encoding", "status", "says"),
    [
        (compressed(gzip.compress(MESSAGE)), "gzip", "0", ""),
        (compressed(zlib.compress(MESSAGE)), "deflate", "0", ""),
        (compressed(gzip.compress(bytes(9 << 20))), "gzip", "8", "longer than the limit"),
        (compressed(gzip.compress(MESSAGE)[:-3]), "gzip", "3", "not compressed as"),
        (compressed(b"x"), "snappy", "12", "snappy"),
        (b"", None, "3", "no message"),
        (DATA[:3], None, "3", "within the prefix"),
        (DATA[:-1], None, "3", "within its message"),
        (DATA + DATA, None, "3", "more than one message"),
        (b"\0\xff\xff\xff\xff", None, "8", "the limit is"),
    ],
    ids=["gzip", "deflate", "bomb", "cut", "unknown", "none", "prefix", "short", "two", "long"],
)
def test_messages(iris: Server, data: bytes, encoding: str | None, status: str, says: str) -> None:
    """What is no message, or no message of this server, has gRPC's status and the reason; the connection goes on."""
    with Wire(iris.grpc_port) as wire:
        end = frame(frames.DATA, frames.END_STREAM, 1, data)
        reply = wire.ask(1, wire.head(1, grpc_encoding=encoding), end)
        assert (reply.status, says in reply.fields.get("grpc-message", "")) == (status, True), reply
        assert "x-model-digest" in reply.fields
        assert reply.body[:1] in (b"", b"\0"), "answers are not compressed"
        assert wire.ask(3, wire.call(3, MESSAGE)).status == "0"


def test_large_metadata(iris: Server) -> None:
    """A compressed call with much metadata is read as one with little."""
    with Wire(iris.grpc_port) as wire:
        data = frame(frames.DATA, frames.END_STREAM, 1, compressed(gzip.compress(MESSAGE)))
        assert wire.ask(1, wire.head(1, grpc_encoding="gzip", x_pad="y" * 2000), data).status == "0"


def test_a_compressing_client(iris: Server) -> None:
    """gRPC's own client may compress its messages."""
    call = iris.channel.unary_unary(INFER)
    assert b"setosa" in call(MESSAGE, compression=grpc.Compression.Gzip, timeout=ANSWER_SECONDS)


def test_no_call(iris: Server) -> None:
    """What is no gRPC call of this server is refused, as HTTP or gRPC has it."""
    with Wire(iris.grpc_port) as wire:
        assert wire.ask(1, wire.call(1, b"", **{":method": "GET"})).fields[":status"] == "405"
        assert wire.ask(3, wire.call(3, b"", content_type="text/plain")).fields[":status"] == "415"
        assert wire.ask(5, wire.call(5, b"", **{":path": "/x"})).status == "12"


@pytest.mark.parametrize("size", [40_000, 120_000])
def test_too_much_metadata(iris: Server, size: int) -> None:
    """Too much metadata is refused; other calls on the connection, which a proxy's callers share, go on."""
    with Wire(iris.grpc_port) as wire:
        reply = wire.ask(1, wire.call(1, MESSAGE, **{f"x-{n}": "y" * 1000 for n in range(size // 1000)}))
        assert (reply.status, "metadata" in reply.fields["grpc-message"]) == ("8", True)
        assert wire.ask(3, wire.call(3, MESSAGE)).status == "0"


def test_refused_before_its_body_ends(iris: Server) -> None:
    """A client may hold its request open until it has an answer, as those of a streaming method do: it gets one before
    the call that it sent behind that is answered.
    """
    with Wire(iris.grpc_port) as wire:
        path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
        wire.send(wire.head(1, **{":path": path}), wire.call(3, MESSAGE))
        refused = wire.next(frames.HEADERS)
        assert (refused.stream, refused.flags & frames.END_STREAM) == (1, frames.END_STREAM)
        assert b"grpc-status\x0212" in refused.payload
        assert wire.replies(3)[3].status == "0"


def test_refused_when_its_body_ends(iris: Server) -> None:
    """What is no call is refused behind its body, before which curl would read no status."""
    with Wire(iris.grpc_port) as wire:
        wire.send(wire.head(1, content_type="text/plain"), wire.call(3, MESSAGE))
        assert wire.next(frames.HEADERS).stream == 3
        assert wire.ask(1, frame(frames.DATA, frames.END_STREAM, 1)).fields[":status"] == "415"


@pytest.mark.parametrize(
    ("timeout", "status"),
    [("1n", "4"), ("1H", "0"), ("1", "0"), ("123456789S", "0")],
    ids=["over", "far", "no", "long"],
)
def test_deadline(iris: Server, timeout: str, status: str) -> None:
    """A call's work is given up at the deadline that it came with. It is counted as one whose caller has left, since
    the caller leaves at the same time. A malformed grpc-timeout sets none.
    """
    request = corpus_grpc.request(corpus_grpc.one_input(shape=(400, 4), fp64_contents=ROW * 400))
    before = metric(iris, 'modelpin_rejects_total{reason="gone"}')
    with Wire(iris.grpc_port) as wire:
        reply = wire.ask(1, wire.call(1, request.SerializeToString(), grpc_timeout=timeout))
        assert (reply.status, "x-model-digest" in reply.fields) == (status, True), reply
    assert metric(iris, 'modelpin_rejects_total{reason="gone"}') - before == (status == "4")


def test_deadline_of_a_stream(iris: Server) -> None:
    """A watch of the health ends at its deadline, behind what was answered."""
    with Wire(iris.grpc_port) as wire:
        reply = wire.ask(1, wire.call(1, b"", **{":path": "/grpc.health.v1.Health/Watch"}, grpc_timeout="20m"))
        assert (reply.status, reply.body) == ("4", b"\0\0\0\0\2\x08\x01")
