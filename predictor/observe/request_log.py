"""The log: one JSON object a line. A line a request says how it went, never a value that was sent or answered."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from predictor.observe.request_trace import STAGES, Exchange

_TIMES = tuple(f"{stage}_ms" for stage in STAGES)
# KServe and uvicorn each write lines of their own for every request.
_SILENT = ("uvicorn.access", "kserve.trace")


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
