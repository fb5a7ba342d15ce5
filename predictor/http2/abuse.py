"""What a client does at its server's cost, and how much of it is too much: faults by a rate, unread bytes by time."""

from __future__ import annotations

from predictor.http2.frames import ENHANCE_YOUR_CALM, ConnectionFault

_FAULTS, _FAULTS_A_SECOND = 1000, 33  # as many resets and the like at once, and for ever; nghttp2 has the same
_LEAST_GROWTH = 256  # bytes of a window, at a time


class Faults:
    """Counts what comes to nothing on one connection: resets, empty frames, windows that change, or grow by little."""

    def __init__(self, now: float) -> None:
        self._left, self._at = float(_FAULTS), now

    def count(self, now: float) -> None:
        """One more; ConnectionFault where there are too many."""
        self._left = min(_FAULTS, self._left + (now - self._at) * _FAULTS_A_SECOND) - 1
        self._at = now
        if self._left < 0:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "too much that comes to nothing")

    def count_growth(self, now: float, size: int) -> None:
        """A window grows by `size` bytes, and a frame of the answer that waited for it is written: a fault where these
        bytes are few.
        """
        if size < _LEAST_GROWTH:
            self.count(now)


class Unread:
    """Since when the bytes that wait for the socket do not get fewer, as far as it has been looked."""

    def __init__(self, now: float) -> None:
        self._sent, self._at = 0, now

    def since(self, now: float, output: int, waiting: int) -> float:
        """Look: of `output` bytes `waiting` have not left the socket. `now` where some have, or none waits."""
        sent = output - waiting
        if not waiting or sent != self._sent:
            self._sent, self._at = sent, now
        return self._at
