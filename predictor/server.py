"""KServe's ModelServer with the infer layer around its application and our servicer in its gRPC server."""

from __future__ import annotations

import asyncio
import signal
import warnings
from concurrent import futures
from typing import Any

import grpc
import kserve.model_server
import uvloop
from fastapi.responses import JSONResponse
from kserve import ModelServer
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc
from kserve.protocol.grpc.server import GRPCServer
from kserve.protocol.rest.server import RESTServer
from starlette.exceptions import HTTPException
from starlette.requests import Request

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

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        """KServe's metadata with the platform, and the digest as the one version."""
        found: dict[str, Any] = await super().model_metadata(model_name)
        return found | {"platform": "sklearn", "versions": [self._model.digest]}


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
        inner = app.build_middleware_stack
        # Starlette builds its stack at the first request; what wraps it there is outside of everything KServe adds.
        app.build_middleware_stack = lambda: InferLayer(inner(), self._model)
        app.add_exception_handler(HTTPException, _http_error)
        self._rest_server = RESTServer(
            "kserve.model_server:app",
            self.dataplane,
            self.model_repository_extension,
            self.http_port,
            grace_period=self.grace_period,
            timeout_keep_alive=self.timeout_keep_alive,
        )
        self._rest_server.config.host = self._host  # KServe has no argument for it
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


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    """KServe's routes answer `{"detail": …}` where no route fits; ours is one shape everywhere."""
    assert isinstance(error, HTTPException)
    text = {404: "no such route", 405: "method not allowed"}.get(error.status_code, str(error.detail))
    return JSONResponse({"error": text[: errors._LONGEST]}, error.status_code, headers=error.headers)
