"""gRPC methods beside ModelInfer: one message in, read strictly; one or several messages out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Never

import grpc
from google.protobuf.message import DecodeError

from predictor.grpc import status
from predictor.grpc.call import Aborted, Call
from predictor.http2.stream import Stream
from predictor.serving.lifecycle import Lifecycle

UNREADABLE = "the message is not one of this method"


@dataclass(frozen=True)
class Method:
    """Reads a message with `read`, strictly: bytes that are none are INVALID_ARGUMENT.

    One of `answer` and `stream` is set; each is called with the message and a context that has gRPC's `abort`.
    """

    read: Callable[[bytes], Any]
    answer: Callable[[Any, Any], Awaitable[Any]] | None = None
    stream: Callable[[Any, Any], AsyncIterator[Any]] | None = None


class MethodCall(Call):
    """A call of a Method."""

    def __init__(self, stream: Stream, lifecycle: Lifecycle, method: Method) -> None:
        super().__init__(stream, lifecycle)
        self._method = method

    def start(self, message: bytes) -> None:
        """Call the method."""
        self.run(partial(self._serve, message))

    def failed(self, error: Exception) -> None:
        """Not counted: only calls for a prediction are."""

    async def abort(self, code: grpc.StatusCode, text: str) -> Never:
        """End the call with a status, as gRPC's own context does."""
        raise Aborted(code, text)

    async def _serve(self, data: bytes) -> None:
        try:
            request = self._method.read(data)
        except DecodeError:
            raise Aborted(grpc.StatusCode.INVALID_ARGUMENT, UNREADABLE) from None
        if self._method.answer is not None:
            self.answer((await self._method.answer(request, self)).SerializeToString())
            return
        assert self._method.stream is not None
        self._stream.begin(status.LEADING)
        async for message in self._method.stream(request, self):
            self._stream.send(status.framed(message.SerializeToString()))
        self._stream.finish(status.OK)
