"""What to measure: the full plan, the quick one, and what `--only` leaves of either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artifact.errors import UsageError
from bench.examples import EXAMPLES
from bench.kinds import CONNECTIONS, KINDS, Kind
from bench.peers import PEERS

PHASES = ("load", "alone")  # alone: cold start and memory

_FULL = {
    "logistic": "v1-1 v2-1 v2-32 v1-1000 v2-1000 binary-1000 grpc-1",
    "forest": "v1-1 v2-1 v2-32 v2-1000 binary-1000 grpc-1",
    "mixed": "v1-1 v2-1 v2-1000",
}
# What the goals are about, at the connections that say most.
_QUICK: dict[str, dict[str, tuple[int, ...]]] = {
    "logistic": {"v1-1": (8, 64), "v2-1": (8,), "v2-1000": (8,), "binary-1000": (8,), "grpc-1": (8,)},
    "forest": {"v1-1": (1, 8, 64)},
    "mixed": {"v1-1": (8,), "v2-1000": (8,)},
}


@dataclass(frozen=True)
class Cell:
    """One row of the table: every server that speaks the protocol is measured on it."""

    model: str
    kind: Kind
    connections: int


@dataclass(frozen=True)
class Plan:
    """Cells, servers and phases; how often and how long: `rounds` windows of at least `seconds` each."""

    cells: tuple[Cell, ...]
    models: tuple[str, ...]
    peers: tuple[str, ...]
    phases: tuple[str, ...]
    rounds: int
    bulk_rounds: int  # for requests of many rows: less noise in each
    seconds: int
    starts: int

    @property
    def clients(self) -> tuple[str, ...]:
        """The commands this plan needs on PATH."""
        protocols = {cell.kind.protocol for cell in self.cells}
        return ("taskset", *(["wrk"] if protocols - {"grpc"} else []), *(["h2load"] if "grpc" in protocols else []))

    def rounds_of(self, cell: Cell) -> int:
        """Windows a server for `cell`."""
        return self.rounds if cell.kind.rows == 1 else self.bulk_rounds


def make(quick: bool, only: Sequence[str], rounds: int | None = None, seconds: int | None = None) -> Plan:
    """The plan. `only` holds names of models, kinds, servers, phases and connections (c1, c8, c64); of each sort those
    named stay, or all where none is. UsageError for another word.
    """
    sorts = {
        "models": tuple(EXAMPLES),
        "kinds": tuple(KINDS),
        "peers": tuple(PEERS),
        "phases": PHASES,
        "connections": tuple(f"c{count}" for count in CONNECTIONS),
    }
    choices = [word for words in sorts.values() for word in words]
    for word in only:
        if word not in choices:
            raise UsageError(f"--only {word!r} is not one of: {' '.join(choices)}")
    selection = {sort: tuple(word for word in words if word in only) or words for sort, words in sorts.items()}
    # Whoever names a kind of request or a number of connections gets it, whether the quick plan has it or not.
    every = _quick() if quick and not set(only) & {*sorts["kinds"], *sorts["connections"]} else _full()
    cells = tuple(
        cell
        for cell in every
        if cell.model in selection["models"]
        and cell.kind.name in selection["kinds"]
        and f"c{cell.connections}" in selection["connections"]
    )
    return Plan(
        cells=cells if "load" in selection["phases"] else (),
        models=selection["models"],
        peers=selection["peers"],
        phases=selection["phases"],
        rounds=rounds or (2 if quick else 3),
        bulk_rounds=rounds or (1 if quick else 2),
        seconds=seconds or 1,
        starts=2 if quick else 3,
    )


def _full() -> list[Cell]:
    return [
        Cell(model, KINDS[kind], connections)
        for model, kinds in _FULL.items()
        for kind in kinds.split()
        for connections in CONNECTIONS
    ]


def _quick() -> list[Cell]:
    return [
        Cell(model, KINDS[kind], connections)
        for model, kinds in _QUICK.items()
        for kind, counts in kinds.items()
        for connections in counts
    ]
