"""A Dask cluster as the docs start it: a scheduler and two worker processes on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.ports import free

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


@contextmanager
def running(folder: Path, **env: str) -> Iterator[str]:
    """The scheduler's address; workers are started by `python -m pipeline.cluster`, with `env` besides."""
    (port,) = free(1)
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ["dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = ["pipeline.cluster", address, "--host", "127.0.0.1"]
    worker += ["--local-directory", str(folder), "--death-timeout", str(START_SECONDS)]
    started = []
    with (folder / "cluster.log").open("wb") as log:
        try:
            for words in (scheduler, worker, worker):
                command = [sys.executable, "-m", *words]
                started.append(subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=log, stderr=log))
                _wait(port, started[-1])
            yield address
        finally:
            for process in reversed(started):
                process.kill()  # they hold nothing
            for process in started:
                process.wait(timeout=START_SECONDS)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
