"""What a run found, as numbers: written to JSON, read by the table, the plot, the goals and the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bench.peers import BASE

BUSY = 0.9
NOISE = 0.1


@dataclass(frozen=True)
class Row:
    """One server in one cell: medians over its windows; latency in seconds, CPU seconds a request, shares of a core."""

    model: str
    kind: str
    connections: int
    peer: str
    rate: float
    p50: float
    p99: float
    cpu: float
    server_busy: float
    client_busy: float
    foreign_busy: float
    failures: int
    requests: int
    fast: float | None = None  # share of the requests that the fast path answered; None for a server without one

    @property
    def client_limited(self) -> bool:
        """Whether the client, not the server, set the rate."""
        return self.client_busy > BUSY and self.server_busy < BUSY

    @property
    def rough(self) -> bool:
        """Whether the windows were too short for so slow a server: under one answer a connection."""
        return self.requests < self.connections

    @property
    def disturbed(self) -> bool:
        """Whether other processes had a good part of the server's core."""
        return self.foreign_busy > NOISE


@dataclass(frozen=True)
class Start:
    """One server with one model: median seconds from exec to the first correct answer, and each of them."""

    model: str
    peer: str
    seconds: float
    each: tuple[float, ...]


@dataclass(frozen=True)
class Resident:
    """One server with one model after 100 requests: bytes."""

    model: str
    peer: str
    rss: int
    pss: int


@dataclass
class Results:
    """All of a run. `machine` says where, `engines` what our predictor computes each model with."""

    machine: dict[str, Any]
    engines: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    residents: list[Resident] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # answers that were wrong before any timing

    def row(self, model: str, kind: str, connections: int, peer: str) -> Row | None:
        """The row of one server in one cell."""
        key = (model, kind, connections, peer)
        return next((row for row in self.rows if (row.model, row.kind, row.connections, row.peer) == key), None)

    def ratio(self, measure: str, model: str, kind: str, connections: int, peer: str = "ours") -> float | None:
        """`peer` over KServe's: `throughput` (more is better), `cpu`, `p99`, `start` or `memory` (less is better)."""
        if measure in ("start", "memory"):
            values = self.seconds(peer) if measure == "start" else self.bytes(peer)
            bases = self.seconds(BASE) if measure == "start" else self.bytes(BASE)
            value, base = values.get(model), bases.get(model)
        else:
            ours, theirs = (self.row(model, kind, connections, name) for name in (peer, BASE))
            name = {"throughput": "rate"}.get(measure, measure)
            value, base = (None if row is None else getattr(row, name) for row in (ours, theirs))
        return value / base if value is not None and base else None

    def seconds(self, peer: str) -> dict[str, float]:
        """Cold start of `peer` by model."""
        return {start.model: start.seconds for start in self.starts if start.peer == peer}

    def bytes(self, peer: str) -> dict[str, float]:
        """Proportional memory of `peer` by model."""
        return {resident.model: resident.pss for resident in self.residents if resident.peer == peer}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Results:
        """Read the JSON form; KeyError or TypeError for anything else."""
        names = {field.name for field in fields(Row)}
        return cls(
            machine=value["machine"],
            engines=value["engines"],
            rows=[Row(**{name: item for name, item in row.items() if name in names}) for row in value["rows"]],
            starts=[Start(**{**start, "each": tuple(start["each"])}) for start in value["starts"]],
            residents=[Resident(**resident) for resident in value["residents"]],
            refused=value["refused"],
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        rows = [asdict(row) | {"client_limited": row.client_limited, "disturbed": row.disturbed} for row in self.rows]
        return asdict(self) | {"rows": rows}
