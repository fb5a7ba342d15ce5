"""One scrape of several workers: the one that is asked asks the others, and answers for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client.core import Metric
from prometheus_client.samples import Sample

_HELLO, _QUESTION = b"!", b"?"
_SECONDS = 5.0  # that a worker has for its answer; less than Prometheus waits by default
_LENGTH = 4  # bytes of the big-endian length before an answer
# Gauges of which a sum says nothing: what is the same in each worker, and what is true of all only if it is of each.
_LEAST = ("modelpin_ready", "modelpin_reference_", "process_start_time_seconds", "process_max_fds", "python_info")


class Unanswered(Exception):
    """A worker did not answer; a sum without it would look like counters that were reset."""


class Siblings:
    """The other workers, over a socket each way for each of them. A worker that does not serve yet has no counts."""

    def __init__(self, asks: Iterable[int], answers: Iterable[int], collect: Callable[[], Iterable[Metric]]) -> None:
        """`asks` and `answers` are descriptors of sockets; `collect` gives the families of this process."""
        self._asks = [_Sibling() for _ in asks]
        self._descriptors = [*asks], [*answers]
        self._collect = collect
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Say that this worker serves, and answer from now on."""
        asks, answers = self._descriptors
        for sibling, descriptor in zip(self._asks, asks, strict=True):
            self._tasks.append(asyncio.create_task(sibling.listen(*await _open(descriptor))))
        for descriptor in answers:
            self._tasks.append(asyncio.create_task(self._answer(*await _open(descriptor))))

    async def families(self) -> list[Metric]:
        """The families of all workers as one; Unanswered where one that serves does not answer."""
        others = asyncio.gather(*(sibling.ask() for sibling in self._asks if sibling.serves))
        try:
            tables = await asyncio.wait_for(others, _SECONDS)
        except (TimeoutError, OSError) as error:
            raise Unanswered("a worker of this predictor does not answer; try again") from error
        return merge([list(self._collect()), *map(_read, tables)])

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # it has ended, and so will this one
            writer.write(_HELLO)
            while await reader.read(1):
                data = _write(self._collect())
                writer.write(len(data).to_bytes(_LENGTH, "big") + data)
                await writer.drain()


class _Sibling:
    """Another worker, as this one sees it."""

    def __init__(self) -> None:
        self.serves = False
        self._writer: asyncio.StreamWriter | None = None
        self._asked: deque[asyncio.Future[bytes]] = deque()

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand its answers to those who asked, in their order, until it ends."""
        try:
            await reader.readexactly(len(_HELLO))
            self._writer, self.serves = writer, True
            while True:
                size = int.from_bytes(await reader.readexactly(_LENGTH), "big")
                data = await reader.readexactly(size)
                if not (asked := self._asked.popleft()).done():
                    asked.set_result(data)
        except (asyncio.IncompleteReadError, OSError):
            self._writer = None
            for asked in self._asked:
                if not asked.done():
                    asked.set_exception(ConnectionResetError())

    async def ask(self) -> bytes:
        """Its families; ConnectionError where it has ended."""
        if self._writer is None:
            raise ConnectionResetError
        asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self._writer.write(_QUESTION)
        return await asked


def merge(tables: Iterable[Iterable[Metric]]) -> list[Metric]:
    """One table of families: counts and sums added, and of gauges those that are not amounts the least."""
    families: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for family in (family for table in tables for family in table):
        families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
        found = values.setdefault(family.name, {})
        for sample in family.samples:
            key = (sample.name, tuple(sample.labels.items()))
            if key not in found:
                found[key] = sample.value
            elif family.type == "info" or sample.name.startswith(_LEAST) or sample.name.endswith("_created"):
                found[key] = min(found[key], sample.value)
            else:
                found[key] += sample.value
    for name, family in families.items():
        family.samples = [Sample(sample, dict(labels), value) for (sample, labels), value in values[name].items()]
    return list(families.values())


class Merged:
    """What prometheus_client's encoders take for a registry."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """The families."""
        yield from self._families


def _write(families: Iterable[Metric]) -> bytes:
    table: list[Any] = [
        [family.name, family.documentation, family.type, [[one.name, one.labels, one.value] for one in family.samples]]
        for family in families
    ]
    return json.dumps(table).encode()  # unlike orjson it can write NaN


def _read(data: bytes) -> list[Metric]:
    table = []
    for name, documentation, kind, samples in json.loads(data):
        family = Metric(name, documentation, kind)
        family.samples = [Sample(*one) for one in samples]
        table.append(family)
    return table


async def _open(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(sock=socket.socket(fileno=descriptor))
