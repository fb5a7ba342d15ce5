"""The gRPC server: our servicer in KServe's place, health beside it, and every message read strictly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent import futures
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc

from predictor.health import HealthServicer
from predictor.rpc import Servicer
from predictor.traffic import Traffic

_THREADS = 4


class StrictMessages(grpc.aio.ServerInterceptor):
    """Bytes that are no message of the protocol are the caller's fault: INVALID_ARGUMENT, where gRPC says UNKNOWN."""

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """The handler of a call, reading its message itself."""
        handler = await continuation(details)
        if handler is None:
            return None

        async def read(data: bytes, context: Any) -> Any:
            try:
                return handler.request_deserializer(data)
            except DecodeError:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is not one of this method")

        async def answer(data: bytes, context: Any) -> Any:
            return await handler.unary_unary(await read(data, context), context)

        async def stream(data: bytes, context: Any) -> AsyncIterator[Any]:
            async for message in handler.unary_stream(await read(data, context), context):
                yield message

        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(stream, None, handler.response_serializer)
        return grpc.unary_unary_rpc_method_handler(answer, None, handler.response_serializer)


class GrpcServer:
    """Listens for gRPC; KServe's own server builds its servicer where no argument reaches."""

    def __init__(self, servicer: Servicer, traffic: Traffic) -> None:
        settings = traffic.settings
        self._server = grpc.aio.server(
            futures.ThreadPoolExecutor(_THREADS),
            interceptors=(StrictMessages(),),
            options=[
                ("grpc.max_send_message_length", -1),
                ("grpc.max_receive_message_length", settings.body_bytes),
                ("grpc.max_metadata_size", settings.header_bytes),
                ("grpc.max_concurrent_streams", settings.concurrency + settings.queue),
                ("grpc.so_reuseport", 0),  # two predictors on one port would take each other's requests
            ],
        )
        grpc_predict_v2_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
        HealthServicer(traffic).register(self._server)
        self._server.add_insecure_port(f"{settings.host}:{settings.grpc_port}")

    async def start(self) -> None:
        """Listen."""
        await self._server.start()

    async def stop(self, seconds: float) -> None:
        """Take no new calls, and end those that are not finished within `seconds`."""
        await self._server.stop(seconds)
