"""The header `grpc-timeout`: up to eight digits and a unit (gRPC's PROTOCOL-HTTP2.md)."""

from __future__ import annotations

import asyncio
import re

_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


def deadline_of(timeout: bytes) -> float | None:
    """The loop's time at which a call that arrives now with `timeout` is over; None where `timeout` is malformed, which
    sets no deadline in gRPC's own servers either.
    """
    match = _TIMEOUT.fullmatch(timeout)
    return match and asyncio.get_running_loop().time() + int(match[1]) * _SECONDS[match[2]]
