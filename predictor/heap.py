"""The C library's heap: memory that a request frees stays in the process, for the next request.

glibc gives the end of its heap back to the kernel as soon as some hundred KiB of it are free, and takes longer arrays
from the kernel one by one. So each request of 1,000 rows would return pages to the kernel that the next request takes
again: 3 to 30 page faults a request.
"""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the numbers that malloc.h gives them
_FREE_BYTES = 8 << 20  # bytes that may be free at the end of the heap
_APART = 4 << 20  # bytes from which an array gets pages of its own, which the kernel gets back when it is freed
_CHOICES = ("MALLOC_", "GLIBC_TUNABLES")


def keep_pages() -> None:
    """Let glibc keep up to 8 MiB. Does nothing with another C library, or where an environment variable sets it."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or any(name.startswith(_CHOICES) for name in os.environ):
        return
    mallopt(_TRIM_THRESHOLD, _FREE_BYTES)
    mallopt(_MMAP_THRESHOLD, _APART)
