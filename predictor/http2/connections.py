"""The connections of one port, and how many they and their streams may be."""

from __future__ import annotations

from typing import TypeVar

from predictor.connection_limit import ConnectionLimit

C = TypeVar("C")


class Connections(set[C]):
    """The connections that are open. `streams` is how many streams they have open in all, `most_streams` how many they
    may have: each takes some 2 KiB.
    """

    def __init__(self, limit: ConnectionLimit, most_streams: int) -> None:
        super().__init__()
        self.limit = limit
        self.most_streams = most_streams
        self.streams = 0
