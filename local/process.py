"""A process of the platform: started under the guard, waited for with a deadline, stopped with all it started."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from artifact.errors import StorageError

GUARD = Path(__file__).with_name("guard.py")


class Process:
    """One command under the guard; `stop` (or the caller's own death) ends it and everything it started."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        log: Path | None = None,
        stdout: IO[bytes] | int | None = None,
        grace: float = 10.0,
    ) -> None:
        """Starts at once. Both streams are appended to `log`; without it they go to `stdout` or to the caller's own."""
        self.name = name
        self.log = log
        # -P: the script's folder holds modules of ours whose names the standard library could want
        guarded = [sys.executable, "-P", GUARD, "--grace", str(grace), *command]
        if log is None:
            self._guard = self._start(guarded, env, cwd, stdout)
        else:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as stream:
                self._guard = self._start(guarded, env, cwd, stream)

    @staticmethod
    def _start(
        command: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None, stdout: IO[bytes] | int | None
    ) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in a terminal reaches only the caller, which then stops its processes in order.
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=None if stdout is None else subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )

    @property
    def output(self) -> IO[bytes]:
        """What the command prints, when it was started with `stdout=subprocess.PIPE`."""
        assert self._guard.stdout is not None
        return self._guard.stdout

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._guard.poll()

    def wait(self) -> int:
        """The exit code, once the command has ended."""
        return self._guard.wait()

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Returns when `ready()` is true; StorageError when the process ends before that or `seconds` have passed."""
        deadline = time.monotonic() + seconds
        while not ready():
            hint = f"; its log: {self.log}" if self.log else ""
            if (code := self.poll()) is not None:
                raise StorageError(f"{self.name} ended with exit code {code} before it was ready{hint}")
            if time.monotonic() > deadline:
                self.stop()
                raise StorageError(f"{self.name} was not ready after {seconds:.0f} s{hint}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends the command and everything it started; returns when they are gone. Safe to call twice."""
        if self._guard.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.close()
        self._guard.wait()

    def interrupt(self) -> None:
        """Asks as `stop` does, without waiting: several processes then end at the same time."""
        if self.poll() is None:
            self._guard.send_signal(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._guard.stdout:
            self._guard.stdout.close()


def run(
    name: str,
    command: Sequence[str | Path],
    say: Callable[[str], None],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
) -> tuple[int, list[str]]:
    """The exit code and the lines that a command printed; `say` gets each as it comes. It leaves no process behind."""
    lines: list[str] = []
    with Process(name, command, env=env, cwd=cwd, stdout=subprocess.PIPE) as process:
        for line in process.output:
            lines.append(line.decode(errors="replace").rstrip())
            say(lines[-1])
        return process.wait(), lines
