"""The body of an infer request: what its headers say about it, and receiving it.

Receiving ends where the body is over the limit of its size, of its time, or of the memory of all bodies together.
The limits of gRPC messages are in predictor.grpc.call.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from artifact.errors import InvalidRequest
from predictor import errors
from predictor.observe.exchange import Exchange
from predictor.serving.steps import Buffers
from predictor.settings import Settings

BINARY = "inference-header-content-length"
JSON = "application/json"
OCTETS = "application/octet-stream"
CONNECTION = "modelpin.connection"  # an ASGI extension of ours: the connection that a request came in on
# Headers that say how the body is read: two of one kind may say two things.
_SINGLE = ("content-type", "content-encoding", BINARY)

Headers = dict[str, str]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


def read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Headers by name, in lower case; of equal names the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}


def check_single(pairs: list[tuple[bytes, bytes]], headers: Headers) -> None:
    """InvalidRequest where a header that may stand once stands twice."""
    if len(headers) == len(pairs):
        return
    times = Counter(name for name, _ in pairs)
    for name in _SINGLE:
        if times[name.encode()] > 1:
            raise InvalidRequest(f"the header {name} is given {times[name.encode()]} times")


def check_media(headers: Headers, accepted: tuple[str, ...]) -> str:
    """The media type. A missing one is taken for JSON, as KServe does; letter case and other parameters are free."""
    media, *parameters = headers.get("content-type", "").lower().split(";")
    media = media.strip() or JSON
    if media not in accepted:
        raise errors.UnsupportedMedia(f"content type {media[:80]!r} is not read here; send content-type: {accepted[0]}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise errors.UnsupportedMedia(
                f"content type with {parameter.strip()[:80]!r} is not read here; JSON is UTF-8"
            )
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise errors.UnsupportedMedia(f"content encoding {headers['content-encoding'][:80]!r} is not read here")
    return media


def json_length(headers: Headers, most: int) -> int:
    """Bytes of the JSON in a v2 body of `most` bytes; what follows is binary tensors."""
    text = headers.get(BINARY)
    if text is None:
        return most
    if not (text.isascii() and text.isdecimal()) or len(text) > 20 or int(text) > most:
        raise InvalidRequest(f"{BINARY} is {text[:40]!r}, the body has {most} bytes")
    return int(text)


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
