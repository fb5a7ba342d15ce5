"""Runs the commands of this repository without importing the same libraries again for each of them."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pipeline.shared.determinism import ENVIRONMENT

_FOLDER = Path(__file__).parent


class Commands:
    """A process that forks for each command (command_server.py), and `python`, a program that hands commands to it.

    `python` may stand wherever a Python interpreter does. It hands over `-m` of a package of ours, or of DVC, and runs
    everything else in the real interpreter, also a command that asks for other threads, kernels or hash seed.
    """

    def __init__(self, env: dict[str, str]) -> None:
        # Not below pytest's own directory: its path may be longer than the address of a socket.
        self._folder = Path(tempfile.mkdtemp(prefix="commands-"))
        address, kept = str(self._folder / "socket"), json.dumps(ENVIRONMENT)
        self.python = self._folder / "python"
        client = [sys.executable, "-IS", str(_FOLDER / "command_client.py"), address, kept]
        self.python.write_text(f'#!/bin/sh\nexec {shlex.join(client)} "$@"\n', encoding="utf-8")
        self.python.chmod(0o755)
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_FOLDER / "command_server.py"), address, kept],
            env=env | ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def stop(self) -> None:
        """End the process: it ends at the end of its standard input."""
        self._process.communicate()
        shutil.rmtree(self._folder)
