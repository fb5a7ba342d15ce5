"""One server at a time: from exec to the first correct answer, what scale-to-zero users feel, and memory after that."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence

from bench import usage
from bench.cores import Cores
from bench.kinds import KINDS, Kind
from bench.package import Packaged
from bench.peers import Peer, Site
from bench.results import Resident, Start
from bench.server import Server
from bench.usage import Memory

REQUESTS = 100  # one after the other, before memory is read


def measure(
    model: Packaged, peers: Sequence[Peer], site: Site, cores: Cores, runs: int, warm: bool
) -> tuple[list[Start], list[Resident]]:
    """`runs` starts of each peer, A B C A B C, and the memory in the last of them.

    Page cache and compiled code are warm for all: unless they are `warm` already, one more round goes ahead that does
    not count. Alone, so that no pages are shared with another server of the same environment.
    """
    seconds_of: dict[str, list[float]] = {peer.name: [] for peer in peers}
    read: dict[str, Memory] = {}
    for turn in range(-runs if warm else -runs - 1, 0):
        for peer in peers:
            kind = KINDS["v2-1" if "v2" in peer.protocols else "v1-1"]
            server = Server(peer, model, site, cores.server, "alone")
            try:
                seconds = server.wait(kind)
                if turn >= -runs:
                    seconds_of[peer.name].append(seconds)
                if turn == -1:
                    read[peer.name] = _memory(server, kind)
            finally:
                server.stop()
    starts = [Start(model.name, name, statistics.median(each), tuple(each)) for name, each in seconds_of.items()]
    for start in starts:
        megabytes = read[start.peer].pss / 1e6
        print(
            f"  {start.peer}: first answer after {start.seconds:.2f} s, {megabytes:.0f} MB", file=sys.stderr, flush=True
        )
    return starts, [Resident(model.name, name, memory.rss, memory.pss) for name, memory in read.items()]


def _memory(server: Server, kind: Kind) -> Memory:
    request = server.request(kind)
    for _ in range(REQUESTS):
        server.ask(kind, request)
    return usage.memory(server.pid)
