"""gRPC methods that read their message strictly: bytes that are none are INVALID_ARGUMENT, where gRPC says UNKNOWN."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

UNREADABLE = "the message is not one of this method"
Read = Callable[[bytes], Any]


def unary(read: Read, answer: Callable[[Any, Any], Awaitable[Any]]) -> grpc.RpcMethodHandler:
    """A method with one answer, `answer(request, context)`."""

    async def handle(data: bytes, context: Any) -> Any:
        return await answer(await _request(read, data, context), context)

    return grpc.unary_unary_rpc_method_handler(handle, None, _write)


def streaming(read: Read, answer: Callable[[Any, Any], AsyncIterator[Any]]) -> grpc.RpcMethodHandler:
    """A method with a stream of answers."""

    async def handle(data: bytes, context: Any) -> AsyncIterator[Any]:
        async for message in answer(await _request(read, data, context), context):
            yield message

    return grpc.unary_stream_rpc_method_handler(handle, None, _write)


async def _request(read: Read, data: bytes, context: Any) -> Any:
    try:
        return read(data)
    except DecodeError:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, UNREADABLE)


def _write(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data
