"""What a process and its children have used: CPU time and memory, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from artifact.errors import ConfigurationError

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True)
class Memory:
    """Bytes: resident, and proportional (pages shared with other processes count in part)."""

    rss: int
    pss: int


@dataclass(frozen=True)
class Stat:
    """One line of /proc/<pid>/stat: the parent, and CPU seconds of the process and of its children that have ended."""

    parent: int
    seconds: float


def parse_stat(line: str) -> Stat:
    """Read /proc/<pid>/stat; the command in it may hold blanks and parentheses."""
    fields = line.rpartition(")")[2].split()
    return Stat(int(fields[1]), sum(int(ticks) for ticks in fields[11:15]) / _TICK)


def tree(pid: int) -> dict[int, Stat]:
    """The process `pid` and all below it that run now."""
    stats: dict[int, Stat] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                stats[int(entry.name)] = parse_stat((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
    below: dict[int, Stat] = {}
    pids = [pid]
    while pids:
        current = pids.pop()
        if current in stats:
            below[current] = stats[current]
            pids += [child for child, stat in stats.items() if stat.parent == current]
    return below


def cpu_seconds(pid: int) -> float:
    """User and system time of `pid` and all below it, ended children included. Steps of a clock tick (10 ms)."""
    return sum(stat.seconds for stat in tree(pid).values())


def core_seconds(core: int) -> float:
    """Seconds that `core` has spent on any process (or lost to the hypervisor), not on interrupts, since it is up."""
    for line in (_PROC / "stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, steal = (int(ticks[column]) for column in (0, 1, 2, 7))
            return (user + nice + system + steal) / _TICK
    raise ConfigurationError(f"/proc/stat has no core {core}")


def memory(pid: int) -> Memory:
    """Memory of `pid` and all below it."""
    rss = pss = 0
    for member in tree(pid):
        for line in (_PROC / str(member) / "smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Rss":
                rss += int(rest.split()[0]) * 1024
            elif name == "Pss":
                pss += int(rest.split()[0]) * 1024
    return Memory(rss, pss)
