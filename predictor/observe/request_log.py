"""The log: one JSON object a line. A line a request says how it went, never a value that was sent or answered.

Lines for standard output are written a few at a time: a write for each would cost more than its request. Where a slow
reader keeps them from being written they wait in memory, up to 1 MiB; further lines are dropped and counted. The event
loop never waits for the reader.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from predictor.observe.exchange import STAGES, Exchange

_TIMES = tuple(f"{stage}_ms" for stage in STAGES)
# KServe and uvicorn each write lines of their own for every request.
_SILENT = ("uvicorn.access", "kserve.trace")

PIECE = 4096  # PIPE_BUF: a pipe takes as much in one piece, whoever else writes to it
MOST = 1 << 20  # bytes that wait for a slow reader
_DELAY = 0.025  # seconds that a line waits for others
_LAST = 1.0  # seconds that a slow reader has at the end


class RequestLog:
    """Writes the share `sampling` of requests, evenly, and every one that was our own fault."""

    def __init__(self, model: str, digest: str, sampling: float, write: Callable[[bytes], None]) -> None:
        """`write` takes one line, with its end."""
        self._model, self._digest = model, digest
        self._sampling = sampling
        self._write = write
        self._due = 0.0
        self._second, self._clock = 0, ""

    def write(self, exchange: Exchange) -> None:
        """The line of an answered request."""
        failed = exchange.reason == "internal"
        self._due += self._sampling
        if self._due < 1 and not failed:
            return
        self._due = max(0.0, self._due - 1)
        second = int(exchange.ended)
        if second != self._second:
            self._second, self._clock = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        line: dict[str, Any] = {
            "time": f"{self._clock}.{int((exchange.ended - second) * 1000):03d}+00:00",
            "level": "error" if failed else "info",
            "logger": "predictor.requests",
            "event": "request",
            "protocol": exchange.protocol,
            "code": exchange.code,
            "model": self._model,
            "digest": self._digest,
            "request_id": exchange.request_id,
            "rows": exchange.rows,
            "received_bytes": exchange.received,
            "sent_bytes": exchange.sent,
        }
        for name, seconds in zip(_TIMES, exchange.seconds):  # noqa: B905  # strict takes as long as the rest of it
            if seconds >= 0:
                line[name] = int(seconds * 1e6) / 1000
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
