"""Kinds of request, as the table names them."""

from __future__ import annotations

from dataclasses import dataclass

CONNECTIONS = (1, 8, 64)


@dataclass(frozen=True)
class Kind:
    """A protocol and a number of rows. `binary`: v2 over REST with binary tensors both ways; `grpc`: raw contents."""

    name: str
    protocol: str  # v1 | v2 | binary | grpc
    rows: int
    title: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("v1-1", "v1", 1, "v1, 1 row"),
        Kind("v2-1", "v2", 1, "v2, 1 row"),
        Kind("v2-32", "v2", 32, "v2, 32 rows"),
        Kind("v1-1000", "v1", 1000, "v1, 1,000 rows"),
        Kind("v2-1000", "v2", 1000, "v2, 1,000 rows"),
        Kind("binary-1000", "binary", 1000, "v2 binary, 1,000 rows"),
        Kind("grpc-1", "grpc", 1, "gRPC, 1 row"),
    )
}
