"""The C library's heap keeps what requests use again and again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from predictor import heap

# Page faults of 200 times two pieces of 300 kB, which are written and given back.
FAULTS = """
import resource
from predictor import heap
heap.keep_pages()
def use():
    for _ in range(200):
        pieces = [bytearray(300_000), bytearray(300_000)]
        del pieces
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(**chosen: str) -> int:
    """How often the kernel had to give a page, in a process with `chosen` in its environment."""
    command = [sys.executable, "-c", FAULTS]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")} | chosen
    return int(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_pages_are_kept() -> None:
    """What is given back is used again without a page fault, unless the environment has set malloc otherwise."""
    assert faults() < 200
    assert faults(MALLOC_TRIM_THRESHOLD_="131072") > 10_000


def test_another_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A C library without mallopt is left as it is. No machine of the tests has one: an empty object stands for it."""
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    heap.keep_pages()
