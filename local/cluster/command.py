"""A program that is run to its end: its output, within a deadline, or an error that names the command."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from artifact.errors import StorageError


def output(
    *command: str, env: Mapping[str, str], cwd: Path | None = None, text: str | None = None, seconds: float = 60.0
) -> str:
    """Standard output; `text` is what the command reads. StorageError when it fails or does not end."""
    name = " ".join(command[:6])
    try:
        done = subprocess.run(
            command, env=dict(env), cwd=cwd, input=text or "", capture_output=True, text=True, timeout=seconds
        )
    except FileNotFoundError as error:
        raise StorageError(f"`{name}`: there is no {command[0]} in PATH") from error
    except subprocess.TimeoutExpired as error:
        raise StorageError(f"`{name}` did not end within {seconds:.0f} s") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise StorageError(f"`{name}` ended with exit code {done.returncode}: {''.join(last)[:500]}")
    return done.stdout
