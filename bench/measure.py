"""Short windows of load, one server after the other and round again, so that the machine's noise hits all alike."""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import load, usage
from bench.cores import Cores
from bench.load import Window
from bench.peers import BASE
from bench.plan import Cell, Plan
from bench.results import Row
from bench.server import RequestCounts, Server, Wrong

_LONGEST = 5  # seconds of a window, for servers that answer slowly; such a window comes once
_EACH = 3  # answers a connection should see in a window
_TIMED = 3  # requests that say how long a window has to be


@dataclass(frozen=True)
class Sample:
    """One window, in it the CPU seconds of the server and of anybody else on its core, and the fast path's share."""

    window: Window
    server_cpu: float
    foreign_cpu: float
    fast: float | None


def cell(plan: Plan, cell: Cell, servers: Sequence[Server], cores: Cores) -> tuple[list[Row], list[str]]:
    """The rows of `cell`, and what servers answered wrongly: those are not timed."""
    timed: dict[Server, tuple[int, int]] = {}
    faults = []
    for server in servers:
        try:
            size = server.check(cell.kind)
            timed[server] = (size, _window_seconds(server, cell, plan.seconds))
        except Wrong as error:
            faults.append(str(error))
    samples: dict[Server, list[Sample]] = {server: [] for server in timed}
    for turn in range(plan.rounds_of(cell)):
        for server, (size, seconds) in timed.items():
            if turn == 0 or (turn + 1) * seconds <= _LONGEST:
                samples[server].append(_sample(server, cell, size, seconds, cores))
                server.settle()
    rows = [_row(server, cell, windows) for server, windows in samples.items()]
    _say(cell, rows)
    return rows, faults


def _window_seconds(server: Server, cell: Cell, least: int) -> int:
    request = server.request(cell.kind)
    start = time.monotonic()
    for _ in range(_TIMED):
        server.ask(cell.kind, request)
    alone = (time.monotonic() - start) / _TIMED
    return max(least, min(_LONGEST, math.ceil(_EACH * cell.connections * alone)))


def _sample(server: Server, cell: Cell, size: int, seconds: int, cores: Cores) -> Sample:
    request, port = server.request(cell.kind), server.port(cell.kind)
    counts = server.request_counts()
    before, busy = usage.cpu_seconds(server.pid), usage.core_seconds(cores.server)
    if cell.kind.protocol == "grpc":
        answer = size + len(request.body) - len(request.message)
        window = load.h2load(request, answer, port, cell.connections, seconds, cores.client)
    else:
        window = load.wrk(request, port, cell.connections, seconds, cores.client)
    cpu = usage.cpu_seconds(server.pid) - before
    foreign = max(0.0, usage.core_seconds(cores.server) - busy - cpu)
    return Sample(window, cpu, foreign, _share(counts, server.request_counts()))


def _share(before: RequestCounts | None, after: RequestCounts | None) -> float | None:
    if before is None or after is None or after.requests == before.requests:
        return None
    return (after.fast - before.fast) / (after.requests - before.requests)


def _row(server: Server, cell: Cell, samples: Sequence[Sample]) -> Row:
    windows = [sample.window for sample in samples]
    return Row(
        model=cell.model,
        kind=cell.kind.name,
        connections=cell.connections,
        peer=server.peer.name,
        rate=statistics.median(window.requests / window.seconds for window in windows),
        p50=statistics.median(window.p50 for window in windows),
        p99=statistics.median(window.p99 for window in windows),
        cpu=statistics.median(sample.server_cpu / max(1, sample.window.requests) for sample in samples),
        server_busy=statistics.median(sample.server_cpu / sample.window.seconds for sample in samples),
        foreign_busy=statistics.median(sample.foreign_cpu / sample.window.seconds for sample in samples),
        client_busy=statistics.median(window.client_cpu / window.seconds for window in windows),
        failures=sum(window.failures for window in windows),
        requests=sum(window.requests for window in windows),
        fast=min((sample.fast for sample in samples if sample.fast is not None), default=None),
    )


def _say(cell: Cell, rows: Sequence[Row]) -> None:
    base = next((row.rate for row in rows if row.peer == BASE), None)
    texts = [f"{row.peer} {row.rate:,.0f}/s" + (f" ({row.rate / base:.1f}×)" if base else "") for row in rows]
    print(f"  {cell.kind.title}, {cell.connections} connections: {', '.join(texts)}", file=sys.stderr, flush=True)
