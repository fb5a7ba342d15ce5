"""The threads that work on requests too long for the event loop, and the deadline after which they give one up.

One thread works on long bodies, another on heavy ones, a third inflates messages. At checkpoints the work asks its
deadline whether the caller has left, and whether the time is over.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, TypeVar

from artifact import checkpoint
from predictor.errors import Disconnected, WorkTooLong

LONG, HEAVY = "long", "heavy"  # of bodies up to heavy_bytes, and beyond
INFLATE = "inflate"  # of messages that are compressed

T = TypeVar("T")


class Deadline:
    """Asked at checkpoints, from any thread. `caller_left` is set when the task that awaits the answer is cancelled."""

    def __init__(self, seconds: float, gone: Callable[[], bool]) -> None:
        """The work begins now and may take `seconds`; `gone` says that nobody waits for the answer."""
        self._seconds = seconds
        self._end = monotonic() + seconds
        self._gone = gone
        self.caller_left = False

    def check(self) -> None:
        """Disconnected where nobody waits any more, WorkTooLong where the time is over."""
        if self.caller_left or self._gone():
            raise Disconnected
        if monotonic() > self._end:
            raise WorkTooLong(f"the request took more than {self._seconds:g} seconds of work; send fewer rows")


class Threads:
    """The three threads."""

    def __init__(self) -> None:
        self._executors = {name: ThreadPoolExecutor(1, name) for name in (LONG, HEAVY, INFLATE)}

    async def run(self, name: str, deadline: Deadline, work: Callable[..., T], *arguments: Any) -> T:
        """Run `work(*arguments)` in a thread. When this is cancelled it waits until the work has ended, and frees no
        slot before.
        """
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._executors[name], _checked, deadline, name == HEAVY, work, *arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            deadline.caller_left = True
            running.add_done_callback(_ignore)
            await asyncio.wait([running])
            raise


def _ignore(done: asyncio.Future[Any]) -> None:
    """Nobody waits for the result; asyncio would log an error that nobody has looked at."""
    if not done.cancelled():
        done.exception()


def _checked(deadline: Deadline, heavy: bool, work: Callable[..., T], *arguments: Any) -> T:
    """`work(*arguments)`, which ends at a checkpoint when the deadline says so. Heavy work runs without the garbage
    collector.

    As the lists of a million rows are made, the collector would walk through them again and again, and hold up the
    event loop for most of a second.
    """
    with checkpoint.asking(deadline.check):
        checkpoint.check()
        if not heavy:
            return work(*arguments)
        gc.disable()
        try:
            return work(*arguments)
        finally:
            gc.enable()
