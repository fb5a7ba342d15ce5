"""Runs the commands of this repository without importing the same libraries again for each of them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from filelock import FileLock

from pipeline.shared.determinism import ENVIRONMENT

_FOLDER = Path(__file__).parent
ROOT = _FOLDER.parents[1]
_VARIABLE = "MODELPIN_TEST_COMMANDS"  # the folder of `open_folder`, for the processes that share the tests of one run
_LIFETIME = "lifetime"  # a FIFO in it


def open_folder() -> Callable[[], None]:
    """Make the folder that all `Commands` of this run share; the result removes it and ends their processes.

    Each of them reads the FIFO, whose only writer is the process that calls this: they end with it, however it ends.
    """
    # Not below pytest's own directory: its path may be longer than the address of a socket.
    folder = Path(tempfile.mkdtemp(prefix="commands-"))
    os.mkfifo(folder / _LIFETIME)
    writer = os.open(folder / _LIFETIME, os.O_RDWR)
    os.environ[_VARIABLE] = str(folder)

    def close() -> None:
        os.close(writer)
        shutil.rmtree(folder)

    return close


class Commands:
    """A process that forks for each command: command_server.py, which has imported what its `kind` has in common.

    The first that asks for a kind starts it, in `env`; all processes that share the tests of one run share it.
    """

    def __init__(self, env: dict[str, str], kind: str = "stages") -> None:
        self._folder = Path(os.environ[_VARIABLE]) / kind
        self._address = str(self._folder / "socket")
        with FileLock(f"{self._folder}.lock"):
            if not self.python.exists():
                self._folder.mkdir()
                self._start(env, kind)

    def _start(self, env: dict[str, str], kind: str) -> None:
        # Not for predictors: the core type that training fixes would give them other bits than a predictor's own.
        environment = ENVIRONMENT if kind == "stages" else {}
        with (self._folder.parent / _LIFETIME).open("rb") as lifetime:
            process = subprocess.Popen(
                [sys.executable, "-P", _FOLDER / "command_server.py", self._address, json.dumps(environment), kind],
                cwd=ROOT,
                env=env | environment,
                stdin=lifetime,
                stdout=subprocess.PIPE,
            )
        assert process.stdout is not None
        with process.stdout as output:
            assert output.readline() == b"ready\n"
        process.returncode = 0  # it runs on: Popen need neither wait for it nor warn
        program = self.python
        client = [sys.executable, "-IS", str(_FOLDER / "command_client.py"), self._address, json.dumps(ENVIRONMENT)]
        program.write_text(f'#!/bin/sh\nexec {shlex.join(client)} "$@"\n', encoding="utf-8")
        program.chmod(0o755)

    @property
    def python(self) -> Path:
        """A program that hands commands over, which may stand wherever a Python interpreter does.

        It hands over `-m` of a package of ours, or of DVC, and runs everything else in the real interpreter, also a
        command that asks for other threads, kernels or hash seed.
        """
        return self._folder / "python"

    def start(self, module: str, arguments: Sequence[str], env: dict[str, str], cwd: Path, output: IO[bytes]) -> Fork:
        """`python -m module arguments` in a fork; what it prints goes to `output`."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._address)
        request = json.dumps([module, list(arguments), str(cwd), env]).encode()
        with open(os.devnull) as nothing:
            files = [nothing.fileno(), output.fileno(), output.fileno()]
            socket.send_fds(connection, [len(request).to_bytes(4, "big")], files)
        connection.sendall(request)
        return Fork(connection)


class Fork:
    """A command in a process of its own that is not a child of this one: what tests use of `subprocess.Popen`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when it has ended; TimeoutExpired when it has not within `timeout` seconds."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                code = self._connection.recv(4, socket.MSG_WAITALL)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
            self.returncode = int.from_bytes(code, "big", signed=True)
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)
