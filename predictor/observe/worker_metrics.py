"""One scrape of several workers: the one that is asked asks the others, and answers for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

_HELLO, _QUESTION = b"!", b"?"
_SECONDS = 5.0  # that a worker has for its answer; less than Prometheus waits by default
_LENGTH = 4  # bytes of the big-endian length before an answer


class Unanswered(Exception):
    """A worker did not answer; a sum without it would look like counters that were reset."""


class WorkerMetrics:
    """The other workers, over a socket each way for each of them. A worker that does not serve yet has no counts."""

    def __init__(self, asks: Iterable[int], answers: Iterable[int], counts: Callable[[], Awaitable[bytes]]) -> None:
        """`asks` and `answers` are descriptors of sockets; `counts` is what this process tells the others."""
        self._asks = [_Sibling() for _ in asks]
        self._descriptors = [*asks], [*answers]
        self._counts = counts
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Say that this worker serves, and answer from now on."""
        asks, answers = self._descriptors
        for sibling, descriptor in zip(self._asks, asks, strict=True):
            self._tasks.append(asyncio.create_task(sibling.listen(*await _open(descriptor))))
        for descriptor in answers:
            self._tasks.append(asyncio.create_task(self._answer(*await _open(descriptor))))

    async def counts(self) -> list[bytes]:
        """What each of the others tells; Unanswered where one that serves does not answer."""
        others = asyncio.gather(*(sibling.ask() for sibling in self._asks if sibling.serves))
        try:
            return await asyncio.wait_for(others, _SECONDS)
        except (TimeoutError, OSError) as error:
            raise Unanswered("a worker of this predictor does not answer; try again") from error

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # it has ended, and so will this one
            writer.write(_HELLO)
            while await reader.read(1):
                data = await self._counts()
                writer.write(len(data).to_bytes(_LENGTH, "big") + data)
                await writer.drain()


class _Sibling:
    """Another worker, as this one sees it."""

    def __init__(self) -> None:
        self.serves = False
        self._writer: asyncio.StreamWriter | None = None
        self._pending: deque[asyncio.Future[bytes]] = deque()

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand its answers to those who asked, in their order, until it ends."""
        try:
            await reader.readexactly(len(_HELLO))
            self._writer, self.serves = writer, True
            while True:
                size = int.from_bytes(await reader.readexactly(_LENGTH), "big")
                data = await reader.readexactly(size)
                if not (answer := self._pending.popleft()).done():
                    answer.set_result(data)
        except (asyncio.IncompleteReadError, OSError):
            self._writer = None
            for answer in self._pending:
                if not answer.done():
                    answer.set_exception(ConnectionResetError())

    async def ask(self) -> bytes:
        """Its families; ConnectionError where it has ended."""
        if self._writer is None:
            raise ConnectionResetError
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending.append(answer)
        self._writer.write(_QUESTION)
        return await answer


async def _open(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(sock=socket.socket(fileno=descriptor))
