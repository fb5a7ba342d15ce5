"""The time in which a connection has no stream: its client is told to leave, then the connection is closed."""

from __future__ import annotations

from typing import Protocol

_LEAVE_SECONDS = 1.0  # for the client to read that, and for the streams that it had opened before it did


class Connection(Protocol):
    """A connection that can end without the loss of a stream."""

    def leave(self) -> None:
        """Tell the client to open no new stream."""

    def end(self) -> None:
        """Close it when no stream is open."""


class Rest:
    """Since when a connection has no stream, as far as it has been looked."""

    def __init__(self, now: float) -> None:
        self.since = now
        self._last = 0
        self._leave_sent: float | None = None  # when the client was told to leave

    def sweep(self, connection: Connection, last: int, is_open: bool, now: float, seconds: float) -> None:
        """Look, and end a connection that has rested for `seconds`. `last`: the number of its last stream; `is_open`:
        whether any stream is open.
        """
        if is_open or last != self._last:
            self.since, self._last, self._leave_sent = now, last, None
        elif self._leave_sent is not None:
            if now - self._leave_sent > _LEAVE_SECONDS:
                connection.end()
        elif now - self.since > seconds:
            self._leave_sent = now
            connection.leave()
