"""KServe's ModelServer with the infer layer around its application and our servicer in its gRPC server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import kserve.model_server
import orjson
import uvloop
from kserve.model_server import ModelServer
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.rest.server import RESTServer
from prometheus_client import REGISTRY
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from predictor import errors, heap, kserve_import, listener
from predictor.connection_limit import ConnectionLimit
from predictor.grpc.server import GrpcServer
from predictor.grpc.servicer import Servicer
from predictor.http import docs_page, openapi
from predictor.http.connection import HttpProtocol
from predictor.http.fast_path import FastPath
from predictor.http.infer_layer import InferLayer
from predictor.http.scrape import Rendered, Scrape
from predictor.model import Model
from predictor.observe import request_log
from predictor.serving.lifecycle import Lifecycle
from predictor.settings import Settings

_log = logging.getLogger("predictor")
_LAST_SECONDS = 1.0  # for a request on a connection that was accepted in the last moment


class ModelDataPlane(DataPlane):
    """KServe's data plane; its answers about readiness are those of the one model that it holds."""

    def __init__(self, lifecycle: Lifecycle, registry: Any) -> None:
        super().__init__(model_registry=registry)
        self._lifecycle = lifecycle

    async def ready(self) -> bool:
        """Whether the model is verified and the process not about to end; KServe's own says true in any case."""
        return self._lifecycle.ready

    def metadata(self) -> dict[str, Any]:
        """KServe's, without the repository extension, which is refused here."""
        metadata: dict[str, Any] = super().metadata()
        return metadata | {"extensions": ["binary_tensor_data"]}


class Server(ModelServer):
    """Serves one verified model over REST and gRPC."""

    def __init__(self, model: Model, settings: Settings) -> None:
        super().__init__(
            http_port=settings.http_port, grpc_port=settings.grpc_port, workers=1, enable_latency_logging=False
        )
        self._model = model
        self._settings = settings
        self._lifecycle = Lifecycle(model, settings)
        self.dataplane = ModelDataPlane(self._lifecycle, self.registered_models)
        self._scrape = Scrape(REGISTRY.collect)
        self._row = openapi.example(model.signature, model.profile)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; what is in flight is finished first, within the grace."""
        self.register_model(self._model)
        self._lifecycle.observers.metrics.register(REGISTRY)
        request_log.configure()
        warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")  # KServe's routes, not ours
        app = kserve.model_server.app
        app.router.redirect_slashes = False
        app.router.add_route("/metrics", self._metrics, ["GET"])  # before KServe's own
        self._add_docs(app)
        self._rest_server = RESTServer(
            "kserve.model_server:app",
            self.dataplane,
            self.model_repository_extension,
            self.http_port,
            grace_period=int(self._settings.grace_seconds),
            timeout_keep_alive=self._settings.idle_seconds,
        )
        config = self._rest_server.config  # KServe has no arguments for these
        fast_path = FastPath(self._lifecycle) if self._settings.fast_path == "on" else None
        limit = ConnectionLimit(self._settings.connections, self._lifecycle.refuse_connection)
        chosen = {"settings": self._settings, "fast_path": fast_path, "limit": limit}
        config.http, config.ws = type("Limited", (HttpProtocol,), chosen), "none"
        config.backlog = 2048
        with kserve_import.without_pydantic_v1():
            self._rest_server.create_application()
        app.exception_handlers |= {HTTPException: _http_error, Exception: _failed}  # over KServe's own
        config.app = InferLayer(app, self._lifecycle)
        # Objects of the start-up live as long as the process: collections, off since `predictor.__main__`, skip them.
        gc.freeze()
        gc.enable()
        heap.keep_pages()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve_until_stopped())
        finally:
            self._lifecycle.close()

    async def _serve_until_stopped(self) -> None:
        rest = self._rest_server._server
        rest.capture_signals = contextlib.nullcontext  # uvicorn would close the connections at once
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        host = self._settings.host
        bound = listener.bind(host, self._settings.http_port, "--http_port")
        with bound, listener.bind(host, self._settings.grpc_port, "--grpc_port") as bound_grpc:
            servicer = Servicer(self.dataplane, self.model_repository_extension, self._lifecycle)
            self._grpc_server = GrpcServer(servicer, self._lifecycle)
            await self._grpc_server.start(bound_grpc)
            if self._settings.announce == "on":
                self._announce()
            serving = asyncio.ensure_future(rest.serve([bound]))
            waiting = asyncio.ensure_future(stopping.wait())
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            await self._drain(rest, bound)
            await serving

    def _add_docs(self, app: Any) -> None:
        """Add /docs and /openapi.json of this model, in place of those that KServe has for any model."""
        model = self._model
        most, explained = self._settings.rows, self._settings.explain_rows if model.explains else 0
        described = openapi.document(model.name, model.digest, model.signature, self._row, most, explained)
        page = docs_page.page(described, model.signature, self._row, dict(model.headers))
        app.router.routes[:] = [route for route in app.router.routes if route.path != "/openapi.json"]
        for path, body, media, headers in (
            ("/openapi.json", orjson.dumps(described), "application/json", None),
            ("/docs", page, "text/html", {"content-security-policy": docs_page.POLICY}),
        ):
            answer = Response(body, 200, headers, media)
            app.router.add_route(path, _always(answer), ["GET"])

    def _announce(self) -> None:
        """One line: on a terminal to read and copy, in a log as JSON."""
        settings, model = self._settings, self._model
        host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104
        url = f"http://{host}:{settings.http_port}"
        probabilities = openapi.has_probabilities(model.signature)
        line = {
            "message": "serving",
            "model": model.name,
            "digest": model.digest,
            "release": model.release,
            "url": url,
            "docs": f"{url}/docs",
            "grpc": f"{host}:{settings.grpc_port}",
            "curl": docs_page.curl(url, model.name, self._row, probabilities),
        }
        if sys.stdout.isatty():
            print("serving {model} {digest} at {url} ({docs}), gRPC {grpc}; try: {curl}".format(**line), flush=True)
        else:
            _log.info(line)

    async def _metrics(self, request: Request) -> Response:
        self._lifecycle.count()
        media, pieces = await self._scrape.pieces(request.headers.get("accept", ""))
        return Rendered(media, pieces, self._scrape.readers, self._lifecycle.buffers, self._settings.send_seconds)

    def _end(self) -> None:
        try:
            self._lifecycle.close()
        finally:
            os._exit(0)

    async def _drain(self, rest: Any, bound: socket.socket) -> None:
        """Be not ready at once; answer on while routers notice; then refuse connections, finish requests, and end."""
        seconds, loop = self._settings.grace_seconds, asyncio.get_running_loop()
        end = loop.time() + seconds
        # Ends the process at the latest, even where a thread hangs in the model.
        last = threading.Timer(seconds, self._end)
        last.daemon = True
        last.start()
        self._lifecycle.draining.set()
        await asyncio.sleep(self._settings.drain_seconds)
        await listener.connect_no_more(self._settings.http_port, self._settings.grpc_port)
        await listener.close(rest, bound)
        calls = asyncio.ensure_future(self._grpc_server.stop(max(0.0, end - loop.time() - 0.5)))
        idle = min(end, loop.time() + _LAST_SECONDS)
        while rest.server_state.connections and loop.time() < idle:
            await asyncio.sleep(0.02)
        rest.config.timeout_graceful_shutdown = max(0.1, end - loop.time() - 0.5)
        rest.should_exit = True
        await calls


def _always(answer: Response) -> Callable[[Request], Awaitable[Response]]:
    """A route that has one answer."""

    async def route(_: Request) -> Response:
        return answer

    return route


async def _http_error(_: Request, error: Exception) -> Response:
    """KServe's routes answer `{"detail": …}` where no route fits; ours is one shape everywhere."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if "Allow" in headers:
        methods = set(headers["Allow"].split(", "))
        headers["Allow"] = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
    text = {404: "no such route", 405: f"method not allowed here; use {headers.get('Allow')}"}
    message = text.get(error.status_code, error.detail)
    return Response(errors.body(message), error.status_code, headers, "application/json")


async def _failed(_: Request, error: Exception) -> Response:
    """A fixed message: KServe would answer with the exception's own text."""
    return Response(errors.body(errors.INTERNAL), 500, media_type="application/json")
