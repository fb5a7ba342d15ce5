"""/metrics, collected and rendered in a thread of its own, and sent a piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prometheus_client import exposition, openmetrics
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from predictor import errors
from predictor.http.body import CONNECTION, JSON
from predictor.observe.sample_block import Encode, render
from predictor.serving.steps import Buffers, QueuedSemaphore

_PIECE = 64 << 10  # bytes sent at once, about
_READERS = 8  # scrapes that are sent at once: each may keep a table of its own in memory


class Scrape:
    """Renders the metric families of this process.

    One table is rendered at a time. All scrapes of one format that arrive before its collection begins share it, so
    that any number of simultaneous scrapes costs no more than two.
    """

    def __init__(self, collect: Callable[[], Iterable[Any]]) -> None:
        """`collect` gives the families."""
        self._collect = collect
        self._thread = ThreadPoolExecutor(1, "metrics")
        self.readers = QueuedSemaphore(_READERS, 0)
        self._turn = asyncio.Lock()
        self._next: dict[tuple[bool, str], asyncio.Task[list[bytes]]] = {}

    async def pieces(self, accept: str) -> tuple[str, list[bytes]]:
        """The media type for an Accept header, as prometheus_client chooses it, and the body."""
        encode, media = exposition.choose_encoder(accept)
        chosen = getattr(encode, "func", encode) is openmetrics.exposition.generate_latest
        form = (chosen, str(getattr(encode, "keywords", {}).get("escaping")))
        if (task := self._next.get(form)) is None:
            task = self._next[form] = asyncio.create_task(self._render(form, encode))
        return media, await asyncio.shield(task)  # whoever shares it may leave

    async def _render(self, form: tuple[bool, str], encode: Encode) -> list[bytes]:
        async with self._turn:
            del self._next[form]
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._rendered, encode)

    def _rendered(self, encode: Encode) -> list[bytes]:
        pieces: list[bytes] = [b""]
        for piece in render(self._collect(), encode):
            if len(pieces[-1]) + len(piece) > _PIECE:
                pieces.append(piece)
            else:
                pieces[-1] += piece
        return pieces


class Rendered(StreamingResponse):
    """The answer to a scrape. Its bytes are counted in `buffers` until it is sent, for `seconds` at most."""

    def __init__(
        self, media: str, pieces: Sequence[bytes], readers: QueuedSemaphore, buffers: Buffers, seconds: float
    ) -> None:
        """`readers`: answers that are sent at once; one for which it has no place is 503."""
        self._size = sum(map(len, pieces))
        headers = {"content-type": media, "content-length": str(self._size)}
        super().__init__(_each(pieces), headers=headers)
        self._readers = readers
        self._buffers = buffers
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; a connection that does not take it in time ends."""
        if not self._readers.try_acquire():
            full = errors.QueueFull("other scrapes are being read; try again in a second")
            await Response(errors.body(str(full)), 503, errors.headers(full), JSON)(scope, receive, send)
            return
        self._buffers.used += self._size
        try:
            async with asyncio.timeout(self._seconds):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            connection = scope.get("extensions", {}).get(CONNECTION)
            if connection is None:
                raise
            connection.transport.abort()
        finally:
            self._buffers.give(self._size)
            self._readers.release()


async def _each(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
