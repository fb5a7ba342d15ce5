"""How many connections a port may have: one over the limit takes the place of one that rests, or is closed."""

from __future__ import annotations

import heapq
import resource
from collections.abc import Callable, Set
from typing import Any, Protocol

from artifact.errors import ConfigurationError

_PART = 20  # resting connections are closed a 20th of the limit at a time, since a look at all connections takes long
_BUSY_SECONDS = 0.1  # after a look that found none at rest
_OTHER_FILES = 64  # that this process has open beside its connections


class Connection(Protocol):
    """A connection of either protocol."""

    @property
    def resting_since(self) -> float | None:
        """Since when it has no request, by the loop's time; None while it has one, and when it ends."""

    def end_rest(self) -> None:
        """Close it; `connections` does not have it any more."""


class ConnectionLimit:
    """The limit of one port, `most`. `refused` is called for each connection that is closed because of it."""

    def __init__(self, most: int, refused: Callable[[], None] = lambda: None) -> None:
        self._most = most
        self._refused = refused
        self._busy_until = 0.0

    def admit(self, new: Connection, connections: Set[Any], now: float) -> bool:
        """Whether `new`, which is one of `connections` (each a Connection), may stay. Where they are too many, those
        that have rested longest are closed for it. `now` is the loop's time.
        """
        if len(connections) <= self._most:
            self._busy_until = now
            return True
        if now >= self._busy_until:
            resting = [
                (since, at, connection)
                for at, connection in enumerate(connections)
                if connection is not new and (since := connection.resting_since) is not None
            ]
            for _, _, connection in heapq.nsmallest(1 + self._most // _PART, resting):
                connection.end_rest()
            if resting:
                return True
            self._busy_until = now + _BUSY_SECONDS
        self._refused()
        return False


def allow_files(connections: int) -> None:
    """Let this process have so many connections beside its files. ConfigurationError (10) where it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise ConfigurationError(
                f"this process may open {hard} files, and {connections} connections on both ports need {needed}; "
                "lower --connections, or raise the limit (ulimit -Hn)"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
