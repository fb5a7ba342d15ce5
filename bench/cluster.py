"""A Dask cluster as docs/tuning.md starts it: a scheduler and two workers, as processes on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORKERS = 2
_SECONDS = 60


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The address of the scheduler; its file, the workers' folders and all logs are in `folder`."""
    file = folder / "scheduler.json"
    scheduler = [
        "dask",
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--scheduler-file",
        str(file),
    ]
    processes: list[subprocess.Popen[bytes]] = []
    with (folder / "cluster.log").open("wb") as log:

        def start(words: list[str]) -> None:
            command = [sys.executable, "-m", *words]
            processes.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))

        try:
            start(scheduler)
            address = _address(file, processes[0])
            for _ in range(WORKERS):
                start(["pipeline", "cluster", address, "--host", "127.0.0.1", "--local-directory", str(folder)])
            yield address
        finally:
            for process in processes:
                process.kill()  # they hold nothing
            for process in processes:
                process.wait()


def _address(file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if file.exists() and os.path.getsize(file):
            return str(json.loads(file.read_text())["address"])
        time.sleep(0.05)
    raise RuntimeError(f"the Dask scheduler did not start: see {file.with_name('cluster.log')}")
