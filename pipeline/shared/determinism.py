"""The environment variables that training and packaging run with, so that every machine makes the same digest.

Measured: the number of threads changes the bytes of forests and of histogram boosting, OpenBLAS's choice of kernel
changes the probabilities of a logistic regression, and numpy's AVX-512 code gives other last bits of exp and tanh than
its AVX2 code does. So they are fixed, to what every x86-64 machine of the last ten years has.
"""

from __future__ import annotations

import os
import platform
import sys

_CORES = {"x86_64": "Haswell", "amd64": "Haswell", "aarch64": "ARMV8", "arm64": "ARMV8"}

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": _CORES.get(platform.machine().lower(), "GENERIC"),
    "MKL_NUM_THREADS": "1",
    # numpy passes over the names that a machine or a build of numpy does not have.
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}


def fix() -> None:
    """Replace this process by the same command in ENVIRONMENT, unless it already runs in it.

    Called by a stage module that runs as a program, before it imports numpy: threads, kernels and the hash seed are
    read once, when the interpreter and the libraries start.
    """
    if any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **ENVIRONMENT})
