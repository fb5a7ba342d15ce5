"""The programs that build, copy and verify images, and what people read of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from artifact.errors import ConfigurationError, StorageError


class Failed(StorageError):
    """A program ended with another code than 0; `words` is what it said on stderr."""

    def __init__(self, command: Sequence[str], words: str) -> None:
        super().__init__(f"{' '.join(command[:2])} failed: {' '.join(words.split())[-600:] or 'without a word'}")
        self.words = words


def run(*command: str, visible: bool = False) -> bytes:
    """Standard output of a command; `visible`: it goes to stderr, line by line, instead.

    Raises Failed (30), and ConfigurationError (10) where the program is not there.
    """
    try:
        done = subprocess.run(
            command, stdout=sys.stderr if visible else subprocess.PIPE, stderr=None if visible else -1
        )
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no {command[0]} here: the runners of GitHub have it, Debian's package {command[0]} too"
        ) from None
    if done.returncode:
        raise Failed(command, (done.stderr or b"").decode(errors="replace"))
    return done.stdout or b""


def say(text: str) -> None:
    """A line for people: standard output is for $GITHUB_OUTPUT."""
    print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """A line that GitHub shows on the page of the run."""
    say(f"::warning title=image::{' '.join(text.split())}")
