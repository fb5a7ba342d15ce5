"""The errors of requests: a status per exception class, and a message of one line without path, class or traceback."""

from __future__ import annotations

import grpc
import orjson

from artifact.errors import InvalidRequest

_LONGEST = 900  # characters of a message: the whole body stays within 1 KiB


class NoAnswer(Exception):
    """A row fits the signature, but the model has no finite answer for it; `row` counts from 0."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(f"row {row}: {why}")
        self.row = row
        self.why = why


class NotFound(Exception):
    """The model, its version or the route does not exist."""


class MethodNotAllowed(Exception):
    """The route exists, but answers POST only."""


class NotExplained(Exception):
    """This predictor predicts, and explains nothing; the message says what to do."""


class BodyTooSlow(Exception):
    """The body did not arrive in time."""


class UnsupportedMedia(Exception):
    """The body is in a form this route does not read."""


class UnknownEncoding(Exception):
    """The message is compressed in a way that nobody here reads."""


class BodyTooLarge(Exception):
    """The body is over the limit."""


class TooManyRows(Exception):
    """The request has more rows than one may have."""


class WorkTooLong(Exception):
    """The work on the request takes longer than the settings allow."""


class HeadersTooLarge(Exception):
    """The request's line and headers are over the limit."""


class QueueFull(Exception):
    """As many requests as the settings allow are in work, and as many wait."""


class BuffersFull(Exception):
    """The bodies in memory take all the bytes that the settings allow."""


class NotReady(Exception):
    """The model is not ready, or is draining: another replica will answer."""


class Unplain(Exception):
    """The event loop may not finish this request: its text or its values have to be read closely. No caller gets this:
    the request is read again, in a thread if it is long.
    """


class Disconnected(Exception):
    """The client went away before it was answered, so that nobody gets this error."""


_STATUS: dict[type[Exception], tuple[int, grpc.StatusCode]] = {
    InvalidRequest: (400, grpc.StatusCode.INVALID_ARGUMENT),
    NotFound: (404, grpc.StatusCode.NOT_FOUND),
    MethodNotAllowed: (405, grpc.StatusCode.UNIMPLEMENTED),
    NotExplained: (501, grpc.StatusCode.UNIMPLEMENTED),
    BodyTooSlow: (408, grpc.StatusCode.DEADLINE_EXCEEDED),
    BodyTooLarge: (413, grpc.StatusCode.RESOURCE_EXHAUSTED),
    TooManyRows: (413, grpc.StatusCode.RESOURCE_EXHAUSTED),
    WorkTooLong: (413, grpc.StatusCode.RESOURCE_EXHAUSTED),
    UnsupportedMedia: (415, grpc.StatusCode.INVALID_ARGUMENT),
    UnknownEncoding: (415, grpc.StatusCode.UNIMPLEMENTED),
    NoAnswer: (422, grpc.StatusCode.OUT_OF_RANGE),
    HeadersTooLarge: (431, grpc.StatusCode.RESOURCE_EXHAUSTED),
    QueueFull: (503, grpc.StatusCode.UNAVAILABLE),
    BuffersFull: (503, grpc.StatusCode.UNAVAILABLE),
    NotReady: (503, grpc.StatusCode.UNAVAILABLE),
}
INTERNAL = "internal error; the server's log says more"
_REASON: dict[type[Exception], str] = {
    InvalidRequest: "invalid",
    NoAnswer: "no-answer",
    NotFound: "not-found",
    MethodNotAllowed: "method",
    NotExplained: "not-explained",
    BodyTooSlow: "body-slow",
    BodyTooLarge: "body-bytes",
    TooManyRows: "rows",
    WorkTooLong: "work-slow",
    UnsupportedMedia: "media",
    UnknownEncoding: "media",
    HeadersTooLarge: "header-bytes",
    QueueFull: "queue",
    BuffersFull: "buffers",
    NotReady: "not-ready",
    Disconnected: "gone",
}
# unread: the client did not take its answer; connections: as many as may be were open, so a new one was closed
REASONS = (*dict.fromkeys(_REASON.values()), "unread", "connections", "internal")
RETRY_SECONDS = "1"


def http_status(error: Exception) -> int:
    """The HTTP status of `error`; 500 for anything that is not the caller's doing."""
    return _STATUS.get(type(error), (500, grpc.StatusCode.INTERNAL))[0]


def grpc_status(error: Exception) -> grpc.StatusCode:
    """The gRPC status of `error`; INTERNAL for anything that is not the caller's doing."""
    return _STATUS.get(type(error), (500, grpc.StatusCode.INTERNAL))[1]


def reason(error: Exception) -> str:
    """One word for logs and metrics: one of REASONS."""
    return _REASON.get(type(error), "internal")


def headers(error: Exception) -> dict[str, str]:
    """Headers that belong to the status of `error`."""
    if isinstance(error, MethodNotAllowed):
        return {"allow": "POST"}
    if isinstance(error, UnsupportedMedia):
        return {"accept-encoding": "identity"}  # RFC 9110, 15.5.16
    if isinstance(error, BodyTooSlow):
        return {"connection": "close"}  # the rest of the body may still come, and is not the next request
    if isinstance(error, QueueFull | BuffersFull | NotReady):
        return {"retry-after": RETRY_SECONDS}
    return {}


def message(error: Exception) -> str:
    """What the caller may read: the message of a known error on one line, nothing of an unknown one."""
    return INTERNAL if type(error) not in _STATUS else _line(str(error))


def body(text: str) -> bytes:
    """The JSON body of an error answer, 1 KiB at most."""
    text = _line(text)
    encoded = orjson.dumps({"error": text})
    while len(encoded) > 1024:  # characters may take several bytes
        text = text[: len(text) * 3 // 4] + "…"
        encoded = orjson.dumps({"error": text})
    return encoded


def _line(text: str) -> str:
    """`text` on one line, and nothing in it that a terminal or a log reader would obey."""
    text = " ".join(text[: 2 * _LONGEST].split())
    if not text.isprintable():
        text = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
