"""The process behind `up`: it holds the services, and whoever kills it, however, ends them too.

It ends by SIGTERM (`down`), when one of its services ends, or when its starter goes away without having said `keep`.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Self, TextIO

from artifact.errors import ConfigurationError, ModelpinError, StorageError
from local.services import Services
from local.state import REPOSITORY, State

READY = "ready"
KEEP = b"keep\n"
_END_SECONDS = 2.0


class Supervisor:
    """The starter's handle: leaving the block (or dying in it) stops the platform, unless `keep` was called."""

    def __init__(self, state: State, say: Callable[[str], None]) -> None:
        """Returns when the platform is ready; `say` gets a line a service. StorageError when one does not start."""
        state.root.mkdir(parents=True, exist_ok=True)
        log = state.root / "supervisor.log"
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.supervisor", str(state.root)],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C reaches the starter only, which then stops this
            )
        assert self._process.stdout is not None
        try:
            lines = [line.decode().rstrip() for line in self._relay(say)]
        except BaseException:
            self.stop()
            raise
        if lines[-1:] != [READY]:
            self.stop()
            raise StorageError(
                f"the platform did not start: {lines[-1] if lines else 'no word from it'}; its log: {log}"
            )

    def _relay(self, say: Callable[[str], None]) -> list[bytes]:
        lines: list[bytes] = []
        assert self._process.stdout is not None
        for line in self._process.stdout:
            lines.append(line)
            if line.decode().rstrip() == READY:
                break
            say(line.decode().rstrip())
        return lines

    def keep(self) -> None:
        """From now on the platform outlives its starter; `down` stops it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(KEEP)
        self._process.stdin.close()
        self._process.stdout.close()
        # A starter that lives on after its end has no zombie of it.
        threading.Thread(target=self._process.wait, daemon=True).start()

    def stop(self) -> None:
        """Returns when every process of the platform is gone. Safe to call twice."""
        assert self._process.stdin is not None
        if not self._process.stdin.closed:
            self._process.send_signal(signal.SIGTERM)  # nothing, when it is gone already
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        if not self._process.stdin.closed:
            self.stop()


def take_down(state: State, *, seconds: float = 30.0) -> bool:
    """Stops the platform of this folder, whoever started it; False when none was up."""
    if not state.is_up():
        return False
    pid = int(state.lock.read_text() or 0)
    if not pid:
        raise StorageError(f"a platform is just starting on {state.root}: try again")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while state.is_up():
        if time.monotonic() > deadline:  # its services see that it is gone, and go
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    # It gives back its lock shortly before its end. One whose starter does not look at its end stays for a moment.
    deadline = time.monotonic() + _END_SECONDS
    while _exists(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main(argv: Sequence[str]) -> int:
    state = State(Path(argv[0]))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with state.lock.open("a+") as lock:
        if not _acquire(lock):
            print(f"a platform is up on {state.root} already", flush=True)
            return ConfigurationError.exit_code
        try:
            _run(state)
        except ModelpinError as error:
            _say(str(error))
            return error.exit_code
        except SystemExit:
            return 0
    return 0


def _run(state: State) -> None:
    threading.Thread(target=_watch, daemon=True).start()
    with Services(state) as services:
        services.start(_say)
        _say(READY)
        while services.running():
            time.sleep(0.2)
        print("a service ended by itself, so the platform stops: see the logs in s3/ and mlflow/", file=sys.stderr)


def _watch() -> None:
    """The starter's pipe: `keep`, or its end, which is the starter's own."""
    if sys.stdin.buffer.readline() != KEEP:
        os.kill(os.getpid(), signal.SIGTERM)


def _stop(number: int, frame: FrameType | None) -> None:
    for again in (signal.SIGTERM, signal.SIGINT):  # a second one must not cut short the stop that the first began
        signal.signal(again, signal.SIG_IGN)
    raise SystemExit(0)


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # the starter is gone; _watch sees to the rest
        print(line, flush=True)


def _acquire(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
