"""The outermost ASGI layer: answers infer requests itself, and hands everything else to KServe's own application."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from artifact.errors import InvalidRequest
from predictor import errors
from predictor.health import Probes
from predictor.http.body import (
    BINARY,
    CONNECTION,
    JSON,
    OCTETS,
    Headers,
    Message,
    Receive,
    check_media,
    check_single,
    json_length,
    read_headers,
    receive_body,
)
from predictor.observe.exchange import EXPLAIN, PURPOSE, REQUEST_ID, TRACEPARENT, Exchange
from predictor.protocols import cloudevent, v1, v2
from predictor.protocols.json_limits import JsonLimits
from predictor.protocols.request import Answer
from predictor.serving.lifecycle import Lifecycle
from predictor.serving.steps import begin
from predictor.serving.turns import SMALL

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[[Scope, Headers, bytes, Exchange], Awaitable[Answer]]

_V1 = re.compile(r"/v1/models/(?P<model>[^/:]*)(?P<verb>:[^/]*)?")
_V2 = re.compile(r"/v2/models/(?P<model>[^/]+)(?P<versions>/versions/(?P<version>[^/]+))?(?P<verb>/infer|/ready)?")
_PROTOCOLS = {"/v1/": "v1", "/v2/": "v2"}
_GONE = "499"  # what proxies log for a client that did not wait
_log = logging.getLogger("predictor")


class InferLayer:
    """Wraps KServe's application: one validation and one model call for every infer request, whatever the protocol.

    The repository routes, which would unload the model for anyone who asks, do not exist. Every answer carries the
    digest and the release that it comes from, and the request's id. While the process drains, the last answer on a
    connection also closes it.
    """

    def __init__(self, app: App, lifecycle: Lifecycle) -> None:
        self._app = app
        self._lifecycle = lifecycle
        self._model = lifecycle.model
        signature, most_rows = lifecycle.model.signature, lifecycle.settings.rows
        self._v1_limits = JsonLimits.of_v1(signature, most_rows)
        self._v2_limits = JsonLimits.of_v2(signature, most_rows)
        self._probes = Probes(lifecycle)
        self._headers = [(name.encode(), value.encode()) for name, value in lifecycle.model.headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].endswith("/") and scope["path"] != "/":
            path = scope["path"][:-1]  # with its last slash or without it a route is the same
            scope = {**scope, "path": path, "raw_path": path.encode()}
        # uvicorn writes no body to HEAD; all else is what GET answers.
        as_get = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        started = False
        headers = read_headers(scope["headers"])
        request = begin(
            _PROTOCOLS.get(scope["path"][:4], "other"),
            headers.get(REQUEST_ID),
            headers.get(TRACEPARENT),
            headers.get(PURPOSE),
        )
        named_headers = [*self._headers, (REQUEST_ID.encode(), request.request_id.encode())]

        async def named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *named_headers]
                if self._lifecycle.draining.is_set() and not _is_followed(scope):
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        if as_get["method"] == "GET" and (probe := self._probes.answer(scope["path"])) is not None:
            body, not_ready = probe
            await self._send(scope, named, *((200, body, {}) if not_ready is None else _error_answer(not_ready)))
            return
        failure: Exception | None = None
        status = 200
        try:
            handler = self._route(scope)
            if handler is None:
                await self._app(self._without_version(as_get), receive, named)
                return
            check_single(scope["headers"], headers)
            try:
                data = await receive_body(headers, receive, self._lifecycle.settings, self._lifecycle.buffers, request)
                if (connection := scope.get("extensions", {}).get(CONNECTION)) is not None:
                    connection.flow.resume_reading()  # paused by a long body, which hides that a client leaves
                answer = await handler(scope, headers, data, request)
                body, extra = answer.body, _own_headers(answer)
            finally:
                data = b""
                self._lifecycle.buffers.give(request.received)
        except Exception as error:
            failure = error
            status, body, extra = _error_answer(error)
            if status == 500 and not isinstance(error, errors.Disconnected):
                _log.exception("a request failed")
            error.__traceback__ = None  # its frames would keep the body until the garbage collector runs
            if started:
                return
        request.sent = len(body)
        if isinstance(failure, errors.Disconnected):
            self._lifecycle.account(request, _GONE, failure)
            if (connection := scope.get("extensions", {}).get(CONNECTION)) is not None:
                connection.end_work()  # else uvicorn, which may not know yet, logs that there was no answer
            return
        self._lifecycle.account(request, str(status), failure)
        await self._send(scope, named, status, body, extra)

    async def _send(self, scope: Scope, send: Send, status: int, body: bytes, extra: Headers) -> None:
        headers = {"content-type": JSON, "content-length": str(len(body)), **extra}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        start = {"type": "http.response.start", "status": status, "headers": encoded}
        connection = scope.get("extensions", {}).get(CONNECTION)
        if connection is None or (len(body) <= SMALL and not connection.flow.write_paused):
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        self._lifecycle.buffers.used += len(body)
        try:
            async with asyncio.timeout(self._lifecycle.settings.send_seconds):
                await send(start)
                await send({"type": "http.response.body", "body": body, "more_body": True})
                await send({"type": "http.response.body", "body": b""})  # waits until the client has read
        except TimeoutError:
            connection.transport.abort()
            self._lifecycle.observers.metrics.reject("unread")
        finally:
            self._lifecycle.buffers.give(len(body))

    def _route(self, scope: Scope) -> Handler | None:
        """What answers an infer request; None where KServe does."""
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
        return None

    def _without_version(self, scope: Scope) -> Scope:
        """The route without its version: KServe's own routes refuse every version, the right one too."""
        model = f"/v2/models/{self._model.name}"
        versioned = f"{model}/versions/{self._model.digest}"
        if not scope["path"].startswith(versioned):
            return scope
        path = model + scope["path"].removeprefix(versioned)
        return {**scope, "path": path, "raw_path": path.encode()}

    def _v1_route(self, match: re.Match[str], method: str) -> Handler | None:
        self._check_model(match["model"])
        if match["verb"] is None:
            return None
        if match["verb"] not in (":predict", ":explain"):
            raise errors.NotFound(f"{match['verb'][:200]!r} does not exist; this model has ':predict' and ':explain'")
        _check_method(method)
        return self._answer_v1 if match["verb"] == ":predict" else self._explain_v1

    def _check_model(self, name: str) -> None:
        if name != self._model.name:
            raise errors.NotFound(f"model {name[:200]!r} does not exist; this server holds {self._model.name!r}")

    async def _answer_v1(self, scope: Scope, headers: Headers, body: bytes, request: Exchange) -> Answer:
        if BINARY in headers:
            raise InvalidRequest(f"{BINARY} is of v2; a v1 body is JSON alone")
        media = check_media(headers, (JSON, cloudevent.MEDIA))
        binary = cloudevent.BINARY in headers
        if binary:
            cloudevent.check(headers)

        def decode() -> v1.Decoded:
            self._v1_limits.check(body)
            if binary or media == cloudevent.MEDIA:
                return cloudevent.decode(body, binary=media != cloudevent.MEDIA)
            return v1.decode(body)

        return await self._lifecycle.serve(request, decode, lambda: _gone(scope))

    async def _explain_v1(self, scope: Scope, headers: Headers, body: bytes, request: Exchange) -> Answer:
        request.purpose = request.purpose or EXPLAIN
        self._model.check_explains()
        check_media(headers, (JSON,))

        def decode() -> v1.Decoded:
            self._v1_limits.check(body)
            return v1.decode(body, explain=True)

        return await self._lifecycle.serve(request, decode, lambda: _gone(scope))

    async def _answer_v2(self, scope: Scope, headers: Headers, body: bytes, request: Exchange) -> Answer:
        check_media(headers, (JSON, OCTETS) if BINARY in headers else (JSON,))
        size = json_length(headers, len(body))

        def decode() -> v2.Decoded:
            self._v2_limits.check(body[:size])
            return v2.decode(body, size)

        return await self._lifecycle.serve(request, decode, lambda: _gone(scope))


def _check_method(method: str) -> None:
    if method != "POST":
        raise errors.MethodNotAllowed(f"{method} is not allowed here; use POST")


def _is_followed(scope: Scope) -> bool:
    """Whether the client has sent another request behind this one."""
    connection = scope.get("extensions", {}).get(CONNECTION)
    return connection is not None and bool(connection.pipeline)


def _own_headers(answer: Answer) -> Headers:
    """The headers that belong to `answer` alone."""
    if answer.json_bytes is None:
        return dict(answer.headers)
    return {"content-type": OCTETS, BINARY: str(answer.json_bytes)}


def _gone(scope: Scope) -> bool:
    connection = scope.get("extensions", {}).get(CONNECTION)
    return connection is not None and connection.transport.is_closing()


def _error_answer(error: Exception) -> tuple[int, bytes, Headers]:
    return errors.http_status(error), errors.body(errors.message(error)), errors.headers(error)
