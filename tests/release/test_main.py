"""The command as a process: exit codes and the last line of stderr."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.release.conftest import ROOT


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "required"),
        (["undo"], 2, "invalid choice"),
        (["deploy", "--env", "staging"], 2, "--image (or --from)"),
        (["settings"], 10, "error: gitops/settings/settings.yaml cannot be read"),
    ],
)
def test_exit_code_and_last_line(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    """A wrong command line is 2, a wrong folder is 10; one last line says why."""
    command = [sys.executable, "-m", "release", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == code
    assert message in (done.stderr.splitlines() or [""])[-1]
