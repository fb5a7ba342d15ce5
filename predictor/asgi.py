"""The outermost ASGI layer: answers infer requests itself, and hands everything else to KServe's own application."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from artifact.errors import InvalidRequest
from predictor import cloudevent, document, errors, v1, v2
from predictor.model import DIGEST_HEADER, Model

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[str, str]
Answer = tuple[bytes, Headers]
Handler = Callable[[Headers, bytes], Awaitable[Answer]]

BODY_LIMIT = 64 << 20
BODY_SECONDS = 30.0
_V1 = re.compile(r"/v1/models/(?P<model>[^/:]*)(?P<verb>:[^/]*)?")
_V2 = re.compile(r"/v2/models/(?P<model>[^/]+)(?P<versions>/versions/(?P<version>[^/]+))?(?P<verb>/infer|/ready)?")
_BINARY = "inference-header-content-length"
_JSON = "application/json"
_OCTETS = "application/octet-stream"
# Headers that say how the body is read: two of one kind may say two things.
_SINGLE = ("content-type", "content-encoding", _BINARY)
_log = logging.getLogger("predictor")


class Disconnected(Exception):
    """The client went away before its body had arrived."""


class InferLayer:
    """Wraps KServe's application: one validation and one model call for every infer request, whatever the protocol.

    The repository routes, which would unload the model for anyone who asks, do not exist. Every answer carries the
    digest it comes from.
    """

    def __init__(
        self, app: App, model: Model, body_limit: int = BODY_LIMIT, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._app = app
        self._model = model
        self._limit = body_limit
        self._seconds = body_seconds
        self._digest = (DIGEST_HEADER.encode(), model.digest.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), self._digest]
            await send(message)

        try:
            answer = self._route(scope)
            if answer is None:
                await self._app(scope, receive, named)
                return
            headers = _headers(scope)
            body, extra = await answer(headers, await self._body(headers, receive))
            await _send(named, 200, body, extra)
        except Disconnected:
            return
        except Exception as error:
            status = errors.http_status(error)
            if status == 500:
                _log.exception("a request failed")
            if not started:
                await _send(named, status, errors.body(errors.message(error)), errors.headers(error))

    def _route(self, scope: Scope) -> Handler | None:
        """What answers an infer request; None where KServe does. A version in a path for KServe is taken out."""
        path: str = scope["path"]
        if path.startswith("/v2/repository"):
            raise errors.NotFound(f"{path[:200]!r} does not exist: this server holds one model, named by Git")
        if match := _V1.fullmatch(path):
            return self._v1_route(match, scope["method"])
        if not (match := _V2.fullmatch(path)):
            return None
        self._check_model(match["model"])
        if match["version"] is not None and match["version"] != self._model.digest:
            raise errors.NotFound(
                f"version {match['version'][:200]!r} does not exist; this server holds {self._model.digest}"
            )
        if match["verb"] == "/infer":
            _check_method(scope["method"])
            return self._answer_v2
        if match["versions"]:
            scope["path"] = path.replace(match["versions"], "", 1)
            scope["raw_path"] = scope["path"].encode()
        return None

    def _v1_route(self, match: re.Match[str], method: str) -> Handler | None:
        self._check_model(match["model"])
        if match["verb"] is None:
            return None
        if match["verb"] != ":predict":
            raise errors.NotFound(f"{match['verb'][:200]!r} does not exist; this model has ':predict'")
        _check_method(method)
        return self._answer_v1

    def _check_model(self, name: str) -> None:
        if name != self._model.name:
            raise errors.NotFound(f"model {name[:200]!r} does not exist; this server holds {self._model.name!r}")

    async def _answer_v1(self, headers: Headers, body: bytes) -> Answer:
        if _BINARY in headers:
            raise InvalidRequest(f"{_BINARY} is of v2; a v1 body is JSON alone")
        media = _check_media(headers, (_JSON, cloudevent.MEDIA))
        binary = cloudevent.is_binary(headers)
        structured = media == cloudevent.MEDIA
        if binary:
            cloudevent.check(headers)
        payload = document.read(body)
        request = v1.parse(self._model.signature, cloudevent.data(payload) if structured else payload)
        reply = v1.answer(request, await self._model.infer(request.frame))
        if binary or structured:
            return cloudevent.answer(self._model.name, reply, not structured)
        return orjson.dumps(reply), {}

    async def _answer_v2(self, headers: Headers, body: bytes) -> Answer:
        length = headers.get(_BINARY)
        _check_media(headers, (_JSON,) if length is None else (_JSON, _OCTETS))
        size = len(body) if length is None else _length(length, len(body))
        request = v2.parse(self._model.signature, document.read(body[:size]), memoryview(body)[size:])
        encoded, head = v2.answer(self._model, request, await self._model.infer(request.frame))
        return encoded, {} if head is None else {"content-type": _OCTETS, _BINARY: str(head)}

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._limit:
            raise errors.BodyTooLarge(f"the body has {declared} bytes, the limit is {self._limit}; send fewer rows")
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._seconds):
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
        except TimeoutError:
            raise errors.BodyTooSlow(f"the body did not arrive within {self._seconds:g} seconds") from None


def _check_method(method: str) -> None:
    if method != "POST":
        raise errors.MethodNotAllowed(f"{method} is not allowed here; use POST")


def _headers(scope: Scope) -> Headers:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    headers = dict(pairs)
    if len(headers) != len(pairs):
        names = [name for name, _ in pairs]
        for name in _SINGLE:
            if names.count(name) > 1:
                raise InvalidRequest(f"the header {name} is given {names.count(name)} times")
    return headers


def _check_media(headers: Headers, accepted: tuple[str, ...]) -> str:
    """The media type. A missing one is taken for JSON, as KServe does; letter case and other parameters are free."""
    media, *parameters = headers.get("content-type", "").lower().split(";")
    media = media.strip() or _JSON
    if media not in accepted:
        raise errors.UnsupportedMedia(f"content type {media[:80]!r} is not read here; send content-type: {accepted[0]}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise errors.UnsupportedMedia(f"content type with {parameter.strip()[:80]!r} is not read here; JSON is UTF-8")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise errors.UnsupportedMedia(f"content encoding {headers['content-encoding'][:80]!r} is not read here")
    return media


def _length(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 20 or int(text) > most:
        raise InvalidRequest(f"{_BINARY} is {text[:40]!r}, the body has {most} bytes")
    return int(text)


async def _send(send: Send, status: int, body: bytes, extra: Headers) -> None:
    headers = {"content-type": _JSON, "content-length": str(len(body)), **extra}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
