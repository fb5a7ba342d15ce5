"""The deadline of a request that a thread works on: checked at checkpoints, as is whether its caller has left."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from predictor.errors import Disconnected, WorkTooLong


class Deadline:
    """Asked at checkpoints, from any thread. `left` is set when the caller gave up."""

    def __init__(self, seconds: float, gone: Callable[[], bool]) -> None:
        """The work begins now and may take `seconds`; `gone` says that nobody waits for the answer."""
        self._seconds = seconds
        self._end = monotonic() + seconds
        self._gone = gone
        self.left = False

    def check(self) -> None:
        """Disconnected where nobody waits any more, WorkTooLong where the time is over."""
        if self.left or self._gone():
            raise Disconnected
        if monotonic() > self._end:
            raise WorkTooLong(f"the request took more than {self._seconds:g} seconds of work; send fewer rows")
