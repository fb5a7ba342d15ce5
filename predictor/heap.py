"""The C library's heap: what a request gives back is kept for the next one.

glibc gives the end of its heap back to the kernel as soon as some hundred KiB of it are free, and takes longer arrays
from the kernel one by one. So each request of 1,000 rows would give back pages that the next one asks for again: 3 to
30 page faults a request.
"""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the numbers that malloc.h gives them
_KEPT = 8 << 20  # bytes that may be free at the end of the heap
_APART = 4 << 20  # bytes of an array that has pages of its own, which go back as soon as it is free
_CHOICES = ("MALLOC_", "GLIBC_TUNABLES")


def keep_pages() -> None:
    """Let glibc keep up to 8 MiB. Nothing where the C library is another one, or the environment has chosen."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or any(name.startswith(_CHOICES) for name in os.environ):
        return
    mallopt(_TRIM_THRESHOLD, _KEPT)
    mallopt(_MMAP_THRESHOLD, _APART)
