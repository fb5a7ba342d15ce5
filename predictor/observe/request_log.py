"""The log: one JSON object a line. A line a request says how it went, never a value that was sent or answered.

Lines for standard output are written a few at a time: a write for each would cost more than the request that it is
about. Whoever reads the output may be slow: what cannot be written at once waits, and what would not fit into that is
dropped and counted. Neither ever holds up the event loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import re
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"
# Whoever sends a request that is no user's says so: it is counted apart, so that it is no evidence on a canary.
PURPOSE = "x-modelpin-purpose"
PURPOSES = ("proof", "golden", "shadow")
EXPLAIN = "explain"  # the same of a request for explanations, by its route or parameter
_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header: version 00 has four fields, a later one may have more.
_TRACE = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.S)
STAGES = ("queue", "parse", "predict", "respond")
QUEUE, PARSE, PREDICT, RESPOND = range(len(STAGES))
_NEVER = [-1.0] * len(STAGES)
_TIMES = tuple(f"{stage}_ms" for stage in STAGES)
# KServe and uvicorn each write lines of their own for every request.
_SILENT = ("uvicorn.access", "kserve.trace")

PIECE = 4096  # PIPE_BUF: a pipe takes as much in one piece, whoever else writes to it
MOST = 1 << 20  # bytes that wait for a slow reader
_DELAY = 0.05  # seconds that a line waits for others
_LAST = 1.0  # seconds that a slow reader has at the end


@dataclass(slots=True)
class Exchange:
    """What is known of a request; `seconds` per stage in the order of STAGES, -1 for a stage it never reached."""

    protocol: str
    request_id: str
    trace: tuple[str, str, str] | None  # trace id, parent id, flags
    seconds: list[float] = field(default_factory=_NEVER.copy)
    rows: int = 0
    received: int = 0
    sent: int = 0
    reason: str = ""
    fast: bool = False  # answered on the fast path
    purpose: str = ""  # one of PURPOSES, or EXPLAIN; empty for a user's request for a prediction


def begin(protocol: str, request_id: str | None, traceparent: str | None, purpose: str | None = None) -> Exchange:
    """An exchange that begins now; an id that is malformed or too long is replaced, a traceparent dropped.

    Any other `purpose` than those of PURPOSES is a user's.
    """
    if request_id is None or not _ID.fullmatch(request_id):
        # Only has to be unlikely to meet itself in the logs.
        request_id = f"{random.getrandbits(128):032x}"
    known_purpose = purpose if purpose in PURPOSES else ""
    return Exchange(
        protocol, request_id, None if traceparent is None else trace(traceparent), purpose=known_purpose or ""
    )


def trace(header: str) -> tuple[str, str, str] | None:
    """(trace id, parent id, flags) of a W3C traceparent; None for one that is not valid."""
    match = _TRACE.fullmatch(header) if len(header) <= 512 else None
    if match is None or (match[1] == "00" and match[5]):
        return None
    return match[2], match[3], match[4]


class RequestLog:
    """Writes the share `sampling` of requests, evenly, and every one that was our own fault."""

    def __init__(self, model: str, digest: str, sampling: float, write: Callable[[bytes], None]) -> None:
        """`write` takes one line, with its end."""
        self._model, self._digest = model, digest
        self._sampling = sampling
        self._write = write
        self._due = 0.0
        self._second, self._clock = 0, ""

    def write(self, exchange: Exchange, code: str, failed: bool) -> None:
        """The line of an answered request; `code` is its HTTP or gRPC status, `failed` says that we are to blame."""
        self._due += self._sampling
        if self._due < 1 and not failed:
            return
        self._due = max(0.0, self._due - 1)
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._clock = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        line: dict[str, Any] = {
            "time": f"{self._clock}.{int((now - second) * 1000):03d}+00:00",
            "level": "error" if failed else "info",
            "logger": "predictor.requests",
            "event": "request",
            "protocol": exchange.protocol,
            "code": code,
            "model": self._model,
            "digest": self._digest,
            "request_id": exchange.request_id,
            "rows": exchange.rows,
            "received_bytes": exchange.received,
            "sent_bytes": exchange.sent,
        }
        for name, seconds in zip(_TIMES, exchange.seconds, strict=True):
            if seconds >= 0:
                line[name] = round(seconds * 1e6) / 1000
        if exchange.reason:
            line["reason"] = exchange.reason
        if exchange.trace is not None:
            line["trace_id"], line["parent_id"], line["trace_flags"] = exchange.trace
        self._write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


class LogWriter:
    """Whole lines to a file descriptor. `dropped` counts those that were not written. For one thread."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._size = 0
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._due = False
        self.dropped = 0

    def write(self, line: bytes) -> None:
        """Write `line`, which has its end, soon."""
        if self._size + len(line) > MOST:
            self.dropped += 1
            return
        self._lines.append(line)
        self._size += len(line)
        if self._size >= PIECE:
            self._flush(least=PIECE)
        if self._lines and not self._due:
            self._wait()

    def close(self) -> None:
        """Write what waits, for a second at most."""
        end = time.monotonic() + _LAST
        while self._lines and (left := end - time.monotonic()) > 0:
            self._flush(wait=left)

    def _wait(self) -> None:
        try:
            asyncio.get_running_loop().call_later(_DELAY, self._tick)
            self._due = True
        except RuntimeError:  # no event loop: nobody would come back
            self._flush()

    def _tick(self) -> None:
        self._due = False
        self._flush()
        if self._lines:
            self._wait()

    def _flush(self, least: int = 1, wait: float = 0.0) -> None:
        """Write while there are `least` bytes and somebody takes them, for which each piece waits `wait` seconds."""
        while self._size >= least:
            size = count = 0
            for line in self._lines:
                if count and size + len(line) > PIECE:
                    break
                size += len(line)
                count += 1
            try:
                if not self._poll.poll(wait * 1000):
                    return
                os.write(self._descriptor, b"".join(self._lines[:count]))
            except OSError:  # nobody reads any more
                self.dropped += count
            del self._lines[:count]
            self._size -= size


class JsonFormatter(logging.Formatter):
    """A record as one JSON object; what orjson escapes cannot begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if isinstance(record.msg, dict):
            line |= record.msg
        else:
            line["message"] = record.getMessage()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # text that is no valid Unicode, which only the standard library escapes
            return json.dumps(line, default=str)


def configure() -> None:
    """Send our own lines to standard output as JSON, and silence the lines that others write for each request."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("predictor")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    for name in _SILENT:
        other = logging.getLogger(name)
        other.handlers, other.propagate = [], False
        other.setLevel(logging.WARNING)
