"""One core for the servers, another for whoever asks."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Cores:
    """Numbers of the two cores; equal on a machine that lets us have one only, and then every row is marked."""

    server: int
    client: int

    @property
    def shared(self) -> bool:
        """Whether servers and clients take time from each other."""
        return self.server == self.client


def choose() -> Cores:
    """The last core this process may use for the servers (interrupts tend to the first), the first for the clients."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(server=allowed[-1], client=allowed[0])
