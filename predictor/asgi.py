"""The outermost ASGI layer: answers infer requests itself, and hands everything else to KServe's own application."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from artifact.errors import InvalidRequest
from predictor import errors, v1, v2
from predictor.model import DIGEST_HEADER, Model

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[str, str]

BODY_LIMIT = 64 << 20
_V1 = re.compile(r"/v1/models/(?P<model>[^/]+):predict")
_V2 = re.compile(r"/v2/models/(?P<model>[^/]+)(/versions/(?P<version>[^/]+))?/infer")
_BINARY = "inference-header-content-length"
_JSON = "application/json"
_OCTETS = "application/octet-stream"
_log = logging.getLogger("predictor")


class Disconnected(Exception):
    """The client went away before its body had arrived."""


class InferLayer:
    """Wraps KServe's application: one validation and one model call for every infer request, whatever the protocol.

    CloudEvents go on to KServe, which calls the same Model. The repository routes, which would unload the model for
    anyone who asks, do not exist. Every answer carries the digest it comes from.
    """

    def __init__(self, app: App, model: Model, body_limit: int = BODY_LIMIT) -> None:
        self._app = app
        self._model = model
        self._limit = body_limit
        self._digest = (DIGEST_HEADER.encode(), model.digest.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), self._digest]
            await send(message)

        path: str = scope["path"]
        try:
            if path.startswith("/v2/repository"):
                raise errors.NotFound(f"{path[:200]} does not exist: this server holds one model, named by Git")
            protocol, match = (v1, _V1.fullmatch(path)) if path.startswith("/v1/") else (v2, _V2.fullmatch(path))
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            if scope["method"] != "POST" or match is None or _is_cloud_event(headers):
                await self._app(scope, receive, named)
                return
            self._check_model(match["model"], match.groupdict().get("version"))
            answer = self._answer_v1 if protocol is v1 else self._answer_v2
            body, extra = await answer(headers, await self._body(headers, receive))
            await _send(named, 200, body, extra)
        except Disconnected:
            return
        except Exception as error:
            status = errors.http_status(error)
            if status == 500:
                _log.exception("an infer request failed")
            await _send(named, status, errors.body(errors.message(error)), {})

    def _check_model(self, name: str, version: str | None) -> None:
        if name != self._model.name:
            raise errors.NotFound(f"model {name[:200]!r} does not exist; this server holds {self._model.name!r}")
        if version is not None and version != self._model.digest:
            raise errors.NotFound(f"version {version[:200]!r} does not exist; this server holds {self._model.digest}")

    async def _answer_v1(self, headers: Headers, body: bytes) -> tuple[bytes, Headers]:
        _check_media(headers, (_JSON,))
        request = v1.parse(self._model.signature, _decode(body))
        return orjson.dumps(v1.answer(request, await self._model.infer(request.frame))), {}

    async def _answer_v2(self, headers: Headers, body: bytes) -> tuple[bytes, Headers]:
        length = headers.get(_BINARY)
        _check_media(headers, (_JSON,) if length is None else (_JSON, _OCTETS))
        size = len(body) if length is None else _length(length, len(body))
        request = v2.parse(self._model.signature, _decode(body[:size]), memoryview(body)[size:])
        encoded, head = v2.answer(self._model, request, await self._model.infer(request.frame))
        return encoded, {} if head is None else {"content-type": _OCTETS, _BINARY: str(head)}

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._limit:
            raise errors.BodyTooLarge(f"the body has {declared} bytes, the limit is {self._limit}; send fewer rows")
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._limit:
                raise errors.BodyTooLarge(f"the body is over the limit of {self._limit} bytes; send fewer rows")
            if not message.get("more_body"):
                return b"".join(parts)


def _is_cloud_event(headers: Headers) -> bool:
    return "ce-specversion" in headers or headers.get("content-type", "").startswith("application/cloudevents")


def _check_media(headers: Headers, accepted: tuple[str, ...]) -> None:
    """A missing content type is taken for JSON, as KServe does; parameters and letter case do not matter."""
    media, _, parameters = headers.get("content-type", "").partition(";")
    if media.strip() and media.strip().lower() not in accepted:
        raise errors.UnsupportedMedia(f"content type {media[:80]!r} is not read here; send content-type: {accepted[0]}")
    charset = parameters.lower().replace(" ", "").replace('"', "")
    if "charset=" in charset and "charset=utf-8" not in charset:
        raise errors.UnsupportedMedia(f"JSON is UTF-8; {parameters.strip()[:80]!r} is not")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise errors.UnsupportedMedia(f"content encoding {headers['content-encoding'][:80]!r} is not read here")


def _length(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 20 or int(text) > most:
        raise InvalidRequest(f"{_BINARY} is {text[:40]!r}, the body has {most} bytes")
    return int(text)


def _decode(body: bytes) -> Any:
    """JSON as orjson reads it; where it does not, the standard library's reading, which knows NaN, decides."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"the body is not JSON: {error}") from None


async def _send(send: Send, status: int, body: bytes, extra: Headers) -> None:
    headers = {"content-type": _JSON, "content-length": str(len(body)), **extra}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
