"""The gRPC server: our servicer in KServe's place, health beside it, and every message read strictly."""

from __future__ import annotations

import asyncio
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import message_factory
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.errors import ConfigurationError
from predictor.grpc import goaway, methods
from predictor.grpc.patient_threads import patient_threads
from predictor.grpc.servicer import Servicer
from predictor.health import HealthServicer
from predictor.serving.lifecycle import Lifecycle

_THREADS = 4
_WINDOW = 64 << 10  # bytes
_QUIET_SECONDS = 1.0  # for what was answered to arrive at the clients
_LEAVE_SECONDS = 1.0  # for clients to close connections on which they have no call


class Inference(grpc.GenericRpcHandler):
    """KServe's service. ModelInfer is a stream on this side (on the wire there is no difference), so that its message
    is received when it is asked for; the other calls are decoded before them, strictly.
    """

    def __init__(self, servicer: Servicer) -> None:
        self.answering = asyncio.Event()  # while it is not set, answers wait
        self.answering.set()
        self._servicer = servicer
        self._handlers: dict[str, Any] = {}
        service = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
        for method in service.methods:
            path = f"/{service.full_name}/{method.name}"
            read = message_factory.GetMessageClass(method.input_type).FromString
            self._handlers[path] = methods.unary(read, getattr(servicer, method.name))
            if method.name == "ModelInfer":
                self._handlers[path] = grpc.stream_unary_rpc_method_handler(self._infer)

    def service(self, details: Any) -> Any:
        """The handler of a call; None for a method that is not there."""
        return self._handlers.get(details.method)

    async def _infer(self, messages: Any, context: Any) -> bytes:
        answer = await self._servicer.infer(messages, context)
        if not self.answering.is_set():
            await self.answering.wait()
        return answer


class GrpcServer:
    """Listens for gRPC; KServe's own server builds its servicer where no argument reaches."""

    def __init__(self, servicer: Servicer, lifecycle: Lifecycle) -> None:
        settings = lifecycle.settings
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", settings.body_bytes),
            ("grpc.max_metadata_size", settings.header_bytes),
            # What a call may send before it is its turn: gRPC would learn to let in as much as the network carries.
            ("grpc.http2.bdp_probe", 0),
            ("grpc.http2.lookahead_bytes", _WINDOW),
            ("grpc.max_concurrent_streams", settings.concurrency + settings.queue),
            ("grpc.so_reuseport", 0),  # two predictors on one port would take each other's requests
        ]
        with patient_threads():
            self._server = grpc.aio.server(futures.ThreadPoolExecutor(_THREADS), options=options)
        self._inference = Inference(servicer)
        self._port = settings.grpc_port
        self._server.add_generic_rpc_handlers((self._inference, HealthServicer(lifecycle).handlers()))
        try:
            self._server.add_insecure_port(f"{settings.host}:{settings.grpc_port}")
        except RuntimeError:  # it says no more than this
            raise ConfigurationError(
                f"cannot listen on {settings.host} port {settings.grpc_port}; give another --grpc_port"
            ) from None

    async def start(self) -> None:
        """Listen."""
        await self._server.start()

    async def stop(self, seconds: float) -> None:
        """Let clients leave their connections, and end; calls that are not finished within `seconds` are cancelled.

        From the moment in which gRPC's library stops, it cancels each call that arrives. So the clients go first.
        """
        end = asyncio.get_running_loop().time() + seconds
        self._inference.answering.clear()
        try:
            await goaway.send(self._port, min(seconds, _QUIET_SECONDS))
        finally:
            self._inference.answering.set()
        await goaway.closed(self._port, min(seconds, _LEAVE_SECONDS))
        await self._server.stop(max(0.0, end - asyncio.get_running_loop().time()))
