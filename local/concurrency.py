"""A workflow's `concurrency` group: one run at a time, one waiting, and a newer waiting run takes an older one's place.

A run that waits is taken over by the process that runs the group now, so a push never waits for another: a workflow
that pushes to its own group would wait for itself. Not played: `cancel-in-progress` and groups of single jobs.
"""

import fcntl
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from artifact.errors import UsageError


class Group:
    """One group of one platform; `folder` holds its lock and the run that waits."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        key = hashlib.sha256(name.encode()).hexdigest()[:16]
        self.name = name
        self._lock = folder / f"{key}.lock"
        self._waiting = folder / f"{key}.waiting"

    def submit(self, run: str, execute: Callable[[str], None], say: Callable[[str], None]) -> None:
        """Executes `run` now, and then whatever waits meanwhile; or leaves it to the process that runs the group."""
        if "\n" in run:
            raise UsageError(f"a run is one line, not {run!r}")
        if self._exchange(run):
            say(f"a run that waited in group {self.name} is cancelled: this push is newer")
        while self._waiting.exists():  # also after letting go: another may have queued between our look and that
            with self._lock.open("w") as lock:
                if not _try(lock):
                    say(f"queued: group {self.name} has a run in progress, whose push runs and shows this one too")
                    return
                if next_run := self._exchange(None):
                    execute(next_run)

    def _exchange(self, run: str | None) -> str | None:
        """Puts `run` (or nothing) in the waiting place; what waited there before."""
        with self._waiting.with_suffix(".exchange").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self._waiting.read_text() if self._waiting.exists() else None
            if run is None:
                self._waiting.unlink(missing_ok=True)
            else:
                self._waiting.write_text(run)
        return before


def _try(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
