"""KServe's ModelServer with the infer layer around its application and our servicer in its gRPC server."""

from __future__ import annotations

import asyncio
import signal
import warnings
from concurrent import futures
from typing import Any

import grpc
import httptools
import kserve.model_server
import uvloop
from google.protobuf.message import DecodeError
from kserve import ModelServer
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc
from kserve.protocol.grpc.server import GRPCServer
from kserve.protocol.rest.server import RESTServer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from predictor import errors
from predictor.asgi import InferLayer
from predictor.model import Model
from predictor.rpc import Servicer

_MESSAGE_LIMIT = 64 << 20
_THREADS = 4


class ModelDataPlane(DataPlane):
    """KServe's data plane, telling the truth about the one model it holds."""

    def __init__(self, model: Model, registry: Any) -> None:
        super().__init__(model_registry=registry)
        self._model = model

    async def ready(self) -> bool:
        """Ready means that the verified model is; KServe's own answers without looking."""
        return bool(self._model.ready)

    def metadata(self) -> dict[str, Any]:
        """KServe's, without the repository extension, which is refused here."""
        return super().metadata() | {"extensions": ["binary_tensor_data"]}

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        """KServe's metadata with the platform, and the digest as the one version."""
        found: dict[str, Any] = await super().model_metadata(model_name)
        return found | {"platform": "sklearn", "versions": [self._model.digest]}


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with our form of error, and with offers to change the protocol declined without loss."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        body = errors.body("the request is not valid HTTP/1.1")
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[400] + head + body)
        self.transport.close()

    def on_headers_complete(self) -> None:
        """Start the request, unless it offers an upgrade: then data_received does."""
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body has ended; that of an offer has not begun."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read `data`. After an offer (`Upgrade: h2c`, as Java's client sends it) the parser takes the body for another
        protocol; the request is read again without the offer, as RFC 9110 lets a server that declines it.
        """
        self._unset_keepalive_if_required()
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    return
                except httptools.HttpParserUpgrade as offer:
                    method = self.parser.get_method()
                    if method == b"CONNECT":
                        raise httptools.HttpParserError("CONNECT") from None
                    data = self._without_offer(method) + data[offer.args[0] :]
                    self.parser = httptools.HttpRequestParser(self)
        except httptools.HttpParserError:
            self.send_400_response("")

    def _without_offer(self, method: bytes) -> bytes:
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        closes = False
        for name, value in self.headers:
            if name == b"connection":
                closes |= b"close" in [token.strip().lower() for token in value.split(b",")]
            elif name != b"upgrade":
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, *([b"connection: close"] if closes else []), b"", b""])


class StrictMessages(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Bytes that are no message of the protocol are the caller's fault: INVALID_ARGUMENT, where gRPC says UNKNOWN."""

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """The handler of a call, reading its message itself."""
        handler = await continuation(details)
        if handler is None:
            return None

        async def answer(data: bytes, context: Any) -> Any:
            try:
                request = handler.request_deserializer(data)
            except DecodeError:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is not one of this method")
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(answer, None, handler.response_serializer)


class GrpcServer(GRPCServer):
    """KServe's gRPC server with our servicer: KServe's own builds its servicer where no argument reaches."""

    def __init__(self, address: str, server: Server, model: Model) -> None:
        super().__init__(0, server.dataplane, server.model_repository_extension, kwargs={})
        self._address = address
        self._model = model

    async def start(self, max_workers: int) -> None:
        """Listen until stopped."""
        self._server = grpc.aio.server(
            futures.ThreadPoolExecutor(max_workers=max_workers),
            interceptors=(StrictMessages(),),
            options=[
                ("grpc.max_send_message_length", _MESSAGE_LIMIT),
                ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
            ],
        )
        servicer = Servicer(self._data_plane, self._model_repository_extension, self._model)
        grpc_predict_v2_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
        self._server.add_insecure_port(self._address)
        await self._server.start()
        await self._server.wait_for_termination()


class Server(ModelServer):
    """Serves one verified model over REST and gRPC, in one process."""

    def __init__(self, model: Model, host: str, http_port: int, grpc_port: int) -> None:
        super().__init__(
            http_port=http_port, grpc_port=grpc_port, workers=1, max_threads=_THREADS, enable_latency_logging=False
        )
        self._model = model
        self._host = host
        self.dataplane = ModelDataPlane(model, self.registered_models)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; connections in flight are finished first."""
        self.register_model(self._model)
        # uvicorn drains at SIGTERM, then raises it again: the default action would end the process before gRPC drains.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")  # KServe's routes, not ours
        app = kserve.model_server.app
        app.router.redirect_slashes = False
        inner = app.build_middleware_stack

        def outermost() -> InferLayer:
            app.exception_handlers |= {HTTPException: _http_error, Exception: _failed}  # over KServe's own
            return InferLayer(inner(), self._model)

        # Starlette builds its stack at the first request; what wraps it there is outside of everything KServe adds.
        app.build_middleware_stack = outermost
        self._rest_server = RESTServer(
            "kserve.model_server:app",
            self.dataplane,
            self.model_repository_extension,
            self.http_port,
            grace_period=self.grace_period,
            timeout_keep_alive=self.timeout_keep_alive,
        )
        config = self._rest_server.config  # KServe has no arguments for these
        config.host, config.http, config.ws = self._host, HttpProtocol, "none"
        self._grpc_server = GrpcServer(f"{self._host}:{self.grpc_port}", self, self._model)
        self.servers = [self._rest_server.start(), self._grpc_server.start(self.max_threads)]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        """uvicorn takes the signals and returns when it has drained; the gRPC server is stopped after it."""
        rest, rpc = (asyncio.ensure_future(server) for server in self.servers)
        done, _ = await asyncio.wait({rest, rpc}, return_when=asyncio.FIRST_COMPLETED)
        await self._grpc_server.stop()
        for task in done:
            task.result()
        await rpc


async def _http_error(_: Request, error: Exception) -> Response:
    """KServe's routes answer `{"detail": …}` where no route fits; ours is one shape everywhere."""
    assert isinstance(error, HTTPException)
    allowed = (error.headers or {}).get("Allow")
    text = {404: "no such route", 405: f"method not allowed here; use {allowed}"}.get(error.status_code, error.detail)
    return Response(errors.body(text), error.status_code, error.headers, "application/json")


async def _failed(_: Request, error: Exception) -> Response:
    """KServe would tell the caller what was raised."""
    return Response(errors.body(errors.INTERNAL), 500, media_type="application/json")
