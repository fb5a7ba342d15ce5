"""How long the parts of a cold start took: seconds by phase, for /metrics."""

from __future__ import annotations

import os
import time
from pathlib import Path

_IMPORTED = time.monotonic()
_START_TIME = 19  # of the fields of /proc/self/stat behind the name, see proc_pid_stat(5)


def process_age() -> float:
    """Seconds since this process was started, interpreter and imports included; since this import without /proc."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError, ValueError):
        return time.monotonic() - _IMPORTED


def download_seconds(folder: str | Path) -> float:
    """From the first file that was written into `folder` to the last: what the storage initializer took, about.

    The first file's own download is not in it: nothing in the pod says when that began.
    """
    with os.scandir(folder) as entries:
        times = [entry.stat().st_mtime for entry in entries]
    return max(times) - min(times) if times else 0.0
