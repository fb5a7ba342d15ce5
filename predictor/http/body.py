"""Receiving a body within the limits of its size, its time, and the memory of all bodies together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from predictor import errors
from predictor.http.headers import Headers
from predictor.observe.request_trace import Exchange
from predictor.serving.admission import Buffers
from predictor.settings import Settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


async def receive_body(
    headers: Headers, receive: Receive, settings: Settings, buffers: Buffers, exchange: Exchange
) -> bytes:
    """The whole body. `exchange.received` bytes are counted in `buffers` afterwards, whatever happens here.

    Raises BodyTooLarge, BodyTooSlow, BuffersFull, or Disconnected where the client went away.
    """
    declared = headers.get("content-length", "0")
    if declared.isdecimal():
        if int(declared) > settings.body_bytes:
            raise errors.BodyTooLarge(
                f"the body has {declared} bytes, the limit is {settings.body_bytes}; send fewer rows"
            )
        buffers.check(int(declared))
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(settings.body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise errors.Disconnected
                part = message.get("body", b"")
                if exchange.received + len(part) > settings.body_bytes:
                    raise errors.BodyTooLarge(
                        f"the body is over the limit of {settings.body_bytes} bytes; send fewer rows"
                    )
                buffers.take(len(part))
                exchange.received += len(part)
                parts.append(part)
                if not message.get("more_body"):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise errors.BodyTooSlow(f"the body did not arrive within {settings.body_seconds:g} seconds") from None
