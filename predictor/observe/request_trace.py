"""One request and its answer, as far as logs and metrics are concerned: never a value of the payload."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"
_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header: version 00 has four fields, a later one may have more.
_TRACE = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.S)
STAGES = ("queue", "parse", "predict", "respond")
_NEVER = [-1.0] * len(STAGES)


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


def begin(protocol: str, request_id: str | None, traceparent: str | None) -> Exchange:
    """An exchange that begins now; an id that is malformed or too long is replaced, a traceparent dropped."""
    if request_id is None or not _ID.fullmatch(request_id):
        # Only has to be unlikely to meet itself in the logs.
        request_id = f"{random.getrandbits(128):032x}"
    return Exchange(protocol, request_id, None if traceparent is None else trace(traceparent))


def trace(header: str) -> tuple[str, str, str] | None:
    """(trace id, parent id, flags) of a W3C traceparent; None for one that is not valid."""
    found = _TRACE.fullmatch(header) if len(header) <= 512 else None
    if found is None or (found[1] == "00" and found[5]):
        return None
    return found[2], found[3], found[4]
