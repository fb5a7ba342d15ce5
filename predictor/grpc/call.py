"""One gRPC call: its message is put together, within the limits, and its answer or status is written."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import grpc

from artifact.errors import InvalidRequest
from predictor import errors
from predictor.grpc import status
from predictor.grpc.compression import inflate
from predictor.grpc.timeout import deadline_of
from predictor.http2.frames import NO_ERROR
from predictor.http2.stream import Stream
from predictor.serving.lifecycle import Lifecycle

_log = logging.getLogger("predictor")
_tasks: set[asyncio.Task[None]] = set()  # the event loop itself holds none


class Aborted(Exception):
    """A method gives its caller this status in place of an answer."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code


class Call(ABC):
    """A call with one message. `trailing`: encoded fields that go with every answer and status."""

    trailing = b""

    def __init__(self, stream: Stream, lifecycle: Lifecycle) -> None:
        self._stream = stream
        self._lifecycle = lifecycle
        self._settings = lifecycle.settings
        self._encoding = stream.head.fields.get(b"grpc-encoding", b"identity")[:40]
        self._parts = bytearray()  # of the message, with its prefix; counted in memory
        self._task: asyncio.Task[None] | None = None
        self._works = False  # the task has begun
        timeout = stream.head.fields.get(b"grpc-timeout")
        self._deadline = None if timeout is None else deadline_of(timeout)

    @abstractmethod
    def start(self, message: bytes) -> None:
        """The message is complete."""

    @abstractmethod
    def failed(self, error: Exception) -> None:
        """The call ends with the status of `error`, which its caller is told behind this."""

    @property
    def is_open(self) -> bool:
        """Whether the caller waits for the answer."""
        return self._stream.is_open

    def receive(self, data: bytes, ended: bool) -> None:
        """A part of the message, with its prefix."""
        if not self.is_open:
            return
        try:
            if ended and not self._parts:
                self._complete(data)
            else:
                self._collect(data)
                if ended:
                    whole = bytes(self._parts)
                    self._release()
                    self._complete(whole)
        except Exception as error:
            _log_fault(error)
            self.refuse(error)

    def late(self) -> None:
        """The message did not arrive in time."""
        self.refuse(errors.BodyTooSlow(f"the message did not arrive within {self._settings.body_seconds:g} seconds"))

    def gone(self) -> None:
        """Nobody waits for an answer."""
        self._release()
        if self._task is not None:
            self._task.cancel()

    def unread(self) -> None:
        """The caller did not take the answer: counted, as for every other protocol. What makes more of it ends."""
        if self._task is not None:
            self._task.cancel()
        self._lifecycle.observers.metrics.reject("unread")

    def answer(self, message: bytes) -> None:
        """Write the answer."""
        if self.is_open:
            self._stream.answer(status.LEADING, status.framed(message), status.OK + self.trailing)

    def refuse(self, error: Exception) -> None:
        """Write the status of `error`."""
        self._release()
        if not self.is_open:
            return
        self.failed(error)
        if isinstance(error, Aborted):
            code, text = error.code, str(error)
        else:
            code, text = errors.grpc_status(error), errors.message(error)
        leading = b"" if self._stream.has_begun else status.LEADING
        self._stream.finish(leading + status.failed(code, text) + self.trailing)

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do `work`, which is cancelled when nobody waits for the answer and at the call's deadline; what it raises is
        the call's status.
        """
        self._works = False
        self._task = asyncio.get_running_loop().create_task(self._guarded(work))
        _tasks.add(self._task)
        self._task.add_done_callback(_tasks.discard)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._works = True
        try:
            async with asyncio.timeout_at(self._deadline):
                await work()
        except asyncio.CancelledError:
            if self.is_open:
                self._stream.end(NO_ERROR)
            self.failed(errors.Disconnected())
        except TimeoutError:  # the caller has most often left at the same time: both are counted the same
            self.failed(errors.Disconnected())
            self.refuse(Aborted(grpc.StatusCode.DEADLINE_EXCEEDED, "the call's deadline is over"))
        except Exception as error:
            _log_fault(error)
            self.refuse(error)
            # Its frames hold the message, in a cycle that waits for a collection, which is not for the message's size.
            error.__traceback__ = None

    def _collect(self, data: bytes) -> None:
        self._lifecycle.buffers.take(len(data))
        self._parts += data
        if len(self._parts) >= status.PREFIX.size:
            _, size = status.PREFIX.unpack_from(self._parts)
            self._check_size(size)
            left = status.PREFIX.size + size - len(self._parts)
            if left < 0:
                raise InvalidRequest("the call has more than one message")
            self._lifecycle.buffers.check(left)

    def _complete(self, data: bytes) -> None:
        if not data:
            raise InvalidRequest("the call has no message")
        if len(data) < status.PREFIX.size:
            raise InvalidRequest("the call ends within the prefix of its message")
        compressed, size = status.PREFIX.unpack_from(data)
        message = data[status.PREFIX.size :]
        self._check_size(size)
        if len(message) != size:
            raise InvalidRequest(
                "the call ends within its message" if len(message) < size else "the call has more than one message"
            )
        if compressed:
            self.run(partial(self._inflate, message))
        else:
            self.start(message)

    def _check_size(self, size: int) -> None:
        most = self._settings.body_bytes
        if size > most:
            raise errors.BodyTooLarge(f"the message has {size} bytes, the limit is {most}")

    async def _inflate(self, data: bytes) -> None:
        work = partial(inflate, data, self._encoding, self._settings.body_bytes)
        self.start(await self._lifecycle.inflate(len(data), work))

    def _release(self) -> None:
        self._lifecycle.buffers.give(len(self._parts))
        self._parts = bytearray()


def _log_fault(error: Exception) -> None:
    """Log what no caller can have caused."""
    if not isinstance(error, Aborted) and errors.grpc_status(error) is grpc.StatusCode.INTERNAL:
        _log.error("a call failed", exc_info=error)
