"""Several predictors behind the same ports: each a process of its own, all of them alive or none.

Each worker is executed anew, verifies, loads and replays the artifact itself, and listens when it is done; the kernel
shares out connections among those that listen. When one ends, all end: the metrics of a worker cannot be had back, and
whoever runs containers starts this one again, with a back-off that a supervisor would have to invent.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NoReturn

from predictor import listener
from predictor.settings import Settings

VARIABLE = "MODELPIN_WORKER"  # from the parent to its workers, for nobody to set
_LATE_SECONDS = 2.0  # beyond the grace, after which a worker is killed
_CRASHED = 1  # exit code where a worker's own says nothing


@dataclass(frozen=True)
class WorkerSetup:
    """From the parent to a worker: its number, the descriptor that ends with the parent, and its siblings' sockets."""

    number: int
    parent: int
    asks: tuple[int, ...]  # where this worker asks each of the others
    answers: tuple[int, ...]  # where each of the others asks this one


def worker_setup(environment: Mapping[str, str] = os.environ) -> WorkerSetup | None:
    """What the parent gave this process; None where it is no worker."""
    text = environment.get(VARIABLE)
    if text is None:
        return None
    value = json.loads(text)
    return WorkerSetup(value["number"], value["parent"], tuple(value["asks"]), tuple(value["answers"]))


def end_with_parent(descriptor: int) -> None:
    """End this process as soon as its parent is gone, however that ended."""

    def watch() -> NoReturn:
        os.read(descriptor, 1)  # nothing is ever written: it returns when the last writer is gone
        os._exit(_CRASHED)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def run(argv: Sequence[str], settings: Settings) -> int:
    """Start the workers and wait for them; the exit code is that of the first to end, 0 where all were told to.

    SIGTERM and SIGINT are passed on, and each worker drains as one alone does. A worker that ends on its own takes the
    others with it; one that ends before it serves has said why.
    """
    for port, flag in ((settings.http_port, "--http_port"), (settings.grpc_port, "--grpc_port")):
        # Workers share a port with whoever shares it: make sure that nobody else has it.
        listener.bind(settings.host, port, flag=flag).close()
    return _Group(argv, settings).wait()


class _Group:
    def __init__(self, argv: Sequence[str], settings: Settings) -> None:
        self._grace = settings.grace_seconds
        self._stopping = False
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGALRM, self._kill)
        count = settings.workers
        pairs = {(one, other): socket.socketpair() for one in range(count) for other in range(count) if one != other}
        parent, self._alive = os.pipe()  # the second is open as long as this process lives
        for number in range(count):
            asks = tuple(ours.fileno() for (one, _), (ours, _) in pairs.items() if one == number)
            answers = tuple(theirs.fileno() for (_, other), (_, theirs) in pairs.items() if other == number)
            setup = WorkerSetup(number, parent, asks, answers)
            worker = subprocess.Popen(
                [sys.executable, "-m", "predictor", *argv],
                env={**os.environ, VARIABLE: json.dumps(asdict(setup))},
                pass_fds=(parent, *asks, *answers),
            )
            self._workers[worker.pid] = worker
        if self._stopping:  # meanwhile: some did not exist yet
            self._send(signal.SIGTERM)
        os.close(parent)
        for pair in pairs.values():
            for end in pair:
                end.close()

    def wait(self) -> int:
        """Until all have ended."""
        codes: list[int] = []
        while self._workers:
            ended, code = _next_end()
            worker = self._workers.pop(ended, None)
            if worker is None:  # as the first process of a container we also bury others' children
                continue
            worker.returncode = code
            if self._stopping and code == -signal.SIGTERM:  # told before it listened
                continue
            if code < 0 or not (self._stopping or code):
                how = f"by {signal.Signals(-code).name}" if code else "without being told to"
                text = f"worker process {ended} ended {how}, and all others with it; start the predictor again"
                print(f"error: {text}\n", end="", file=sys.stderr, flush=True)
                code = _CRASHED
            codes.append(code)
            self._stop()
        return next((code for code in codes if code), 0)

    def _stop(self, *_: object) -> None:
        if not self._stopping:
            self._stopping = True
            signal.setitimer(signal.ITIMER_REAL, self._grace + _LATE_SECONDS)
            self._send(signal.SIGTERM)

    def _kill(self, *_: object) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        for worker in list(self._workers.values()):
            worker.send_signal(number)


def _next_end() -> tuple[int, int]:
    """Process id and exit code, negative for a signal, of the next child that ends."""
    pid, status = os.wait()
    return pid, os.waitstatus_to_exitcode(status)
