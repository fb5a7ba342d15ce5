"""Rules of Prometheus as data: what is recorded, what alerts, and what a person reads then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Where an alert's page is; a fork that keeps its pages elsewhere changes this line.
RUNBOOKS = "docs/runbooks"
PAGE, TICKET = "page", "ticket"
# Series of ours alone: the pod monitor copies the label `release` from the pod.
OURS = 'release!=""'
# gRPC's statuses for what is our fault, as 5xx: queue-proxy sees HTTP 200 there. The others are the caller's, as 4xx:
# the predictor gives DEADLINE_EXCEEDED for a message that arrives too slowly (408), UNIMPLEMENTED for one that is
# compressed in an unknown way (415).
GRPC_ERRORS = "UNKNOWN|INTERNAL|UNAVAILABLE|DATA_LOSS"


@dataclass(frozen=True)
class Recording:
    """`name` is recorded from `expression`, with `labels`."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        rule: dict[str, Any] = {"record": self.name, "expr": self.expression}
        return rule | ({"labels": dict(self.labels)} if self.labels else {})


@dataclass(frozen=True)
class Alert:
    """Fires when `expression` has had a result for `lasting`.

    `severity`: PAGE wakes somebody, TICKET waits for the day. `summary` is one sentence with the labels and the value.
    """

    name: str
    expression: str
    lasting: str
    severity: str
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def runbook(self) -> str:
        """Its page, below the root of the repository."""
        return f"{RUNBOOKS}/{self.name}.md"

    def as_dict(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasting,
            "labels": {"severity": self.severity, **self.labels},
            "annotations": {"summary": self.summary, "runbook": self.runbook},
        }
