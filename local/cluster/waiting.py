"""Waiting for a cluster: until something is so, with a deadline and a line of progress now and then."""

import time
from collections.abc import Callable

from artifact.errors import StorageError
from local.narrator import Narrator

_EVERY = 2.0  # seconds between two looks
_PROGRESS = 15.0  # seconds between two lines


def until(tell: Narrator, goal: str, look: Callable[[], str], *, seconds: float, every: float = _EVERY) -> None:
    """Returns when `look()` returns nothing; it says otherwise what is still missing.

    StorageError when `seconds` have passed: a cluster that does not answer is as good as none.
    """
    start = spoken = time.monotonic()
    while missing := look():
        now = time.monotonic()
        if now - start > seconds:
            raise StorageError(f"{goal}: not within {seconds:.0f} s: {missing}")
        if now - spoken > _PROGRESS:
            tell.say(f"{now - start:4.0f} s  {goal}: {missing}")
            spoken = now
        time.sleep(every)
    tell.say(f"{goal}: after {time.monotonic() - start:.0f} s")
