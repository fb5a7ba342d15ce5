"""Threads that, when they are woken, do not interrupt a thread that runs.

gRPC's library has threads of its own, and each event of a call wakes one. By Linux's default it takes the core at once
from the event loop, which had not finished its turn: four switches there and back for one call. As `SCHED_BATCH` the
thread runs when the loop waits, or its share of time is over, and finds several events.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def patient_threads() -> Iterator[None]:
    """Within this, new threads, and the threads that those start, run as SCHED_BATCH; on Linux only.

    See sched(7); no privilege is needed. Where a sandbox refuses the call, threads are as they always are.
    """
    before = None
    with suppress(AttributeError, OSError):
        before = os.sched_getscheduler(0)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        if before is not None:
            with suppress(OSError):
                os.sched_setscheduler(0, before, os.sched_param(0))
