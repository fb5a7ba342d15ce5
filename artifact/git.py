"""Git as a program: one command in a folder, which nobody can be asked about and which leaves no process behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from artifact.errors import GitError

SECONDS = 30.0  # of a command that asks no remote


class GitFailed(Exception):
    """One git command ended badly: `code` is its exit code, `errors` its standard error as it is."""

    def __init__(self, errors: str, output: str, code: int) -> None:
        super().__init__(redact(f"{errors}\n{output}"))
        self.errors = errors
        self.code = code

    @property
    def detail(self) -> str:
        """What git said, on one line, without credentials."""
        return str(self)


class GitHung(GitError):
    """One git command did not end in time, and was killed with everything that it had started."""


def run(
    *arguments: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> str:
    """Standard output of one git command, decoded; arguments and errors as `output`."""
    return output(*arguments, folder=folder, environment=environment, seconds=seconds).decode(errors="replace")


def output(
    *arguments: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    input: str | None = None,
    seconds: float = SECONDS,
) -> bytes:
    """Standard output of one git command in `folder` (default: the working directory).

    `environment` replaces that of this process. GitFailed where git ends with another code than 0, GitHung where it
    takes longer than `seconds`, GitError where it does not start.
    """
    # A session of its own: no terminal to prompt on, and one signal reaches ssh and the remote helpers too.
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            cwd=folder,
            env={**(os.environ if environment is None else environment), "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise GitError(f"git does not start: {error}") from error
    try:
        data, errors = process.communicate(None if input is None else input.encode(), timeout=max(0.0, seconds))
    except subprocess.TimeoutExpired as error:
        raise GitHung(f"`git {arguments[0]}` did not end within {seconds:.0f} s, and was killed") from error
    finally:
        if process.poll() is None:
            _kill(process)
    if process.returncode:
        raise GitFailed(errors.decode(errors="replace"), data.decode(errors="replace"), process.returncode)
    return data


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def redact(text: str) -> str:
    """`text` without the user, password and query parts of the URLs in it, on one line, at most 600 characters."""
    text = re.sub(r"(?<=://)[^/@\s]*@", "", text)
    text = re.sub(r"(://[^\s?#]*)[?#][^\s'\"]*", r"\1", text)
    return " ".join(text.split())[-600:]
