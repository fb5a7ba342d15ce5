"""What a caller is told: a known error by its message, an unknown one not at all, always one short line."""

from __future__ import annotations

import grpc
import orjson
import pytest

from artifact.errors import InvalidRequest
from monitoring import live
from predictor import errors
from tests.predictor.answer import check_message


class Worse(InvalidRequest):
    """Not in the table, though its base is."""


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidRequest("x"), 400, grpc.StatusCode.INVALID_ARGUMENT),
        (errors.NotFound("x"), 404, grpc.StatusCode.NOT_FOUND),
        (errors.MethodNotAllowed("x"), 405, grpc.StatusCode.UNIMPLEMENTED),
        (errors.BodyTooSlow("x"), 408, grpc.StatusCode.DEADLINE_EXCEEDED),
        (errors.BodyTooLarge("x"), 413, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.WorkTooLong("x"), 413, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.UnsupportedMedia("x"), 415, grpc.StatusCode.INVALID_ARGUMENT),
        (errors.NoAnswer(3, "x"), 422, grpc.StatusCode.OUT_OF_RANGE),
        (errors.NotReady("x"), 503, grpc.StatusCode.UNAVAILABLE),
        (RuntimeError("x"), 500, grpc.StatusCode.INTERNAL),
        (Worse("x"), 500, grpc.StatusCode.INTERNAL),
    ],
)
def test_one_status_a_class(error: Exception, status: int, code: grpc.StatusCode) -> None:
    """HTTP and gRPC agree, and only what is known speaks."""
    assert (errors.http_status(error), errors.grpc_status(error)) == (status, code)
    assert errors.message(error) == (str(error) if status != 500 else errors.INTERNAL)


def test_one_fault_a_class() -> None:
    """Canaries and alerts count an error of a class as ours over both protocols, or as the caller's over both.

    A request for an explanation counts as neither.
    """
    for kind in set(errors._STATUS) - {errors.NotExplained}:
        error = kind.__new__(kind)
        codes = str(errors.http_status(error)), errors.grpc_status(error).name
        assert len({(live.failed(code), live.was_refused(code)) for code in codes}) == 1, codes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\r\n  two\tthree", "one two three"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\u202eb\u00adc", "a\\u202eb\\xadc"),
        ("half \ud800", "half \\ud800"),
        ("東京 ü 😀", "東京 ü 😀"),
    ],
)
def test_one_line(text: str, message: str) -> None:
    """White space is folded, and what a terminal would obey is spelt out."""
    assert errors.message(InvalidRequest(text)) == message
    assert orjson.loads(errors.body(text)) == {"error": message}


@pytest.mark.parametrize("letter", ["x", "ü", "東", "😀", "\x00", '"', "\\", "\n"])
def test_one_kibibyte(letter: str) -> None:
    """However long the text and however wide its letters, the body is JSON of 1 KiB at most."""
    body = errors.body("because " + letter * 1_000_000)
    assert len(body) <= 1024
    check_message(orjson.loads(body)["error"])
