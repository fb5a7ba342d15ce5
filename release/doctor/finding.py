"""What one look found, and how the programs that people have are asked."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from artifact.errors import ConfigurationError

OK, WARNING, FAULT = "ok", "warning", "fault"
_SECONDS = 60


@dataclass(frozen=True)
class Finding:
    """`says` and `remedy`, one sentence each; `code`: what the command exits with for a fault."""

    part: str
    level: str
    says: str
    remedy: str = ""
    code: int = ConfigurationError.exit_code

    def __str__(self) -> str:
        return f"{self.level:<8} {self.part:<9} {self.says}" + (f"; {self.remedy}" if self.remedy else "")


class NoAnswer(Exception):
    """A program is missing, failed, or said something else than JSON; the text is its last line."""


def ask(*command: str) -> Any:
    """What a program prints, as JSON; NoAnswer otherwise."""
    text = output(*command)
    try:
        return json.loads(text)
    except ValueError as error:
        raise NoAnswer(f"`{' '.join(command[:3])}` printed no JSON: {text.strip()[:100]!r}") from error


def output(*command: str) -> str:
    """What a program prints; NoAnswer when it is missing, fails, or takes over a minute."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError as error:
        raise NoAnswer(f"{command[0]} is not installed") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoAnswer(f"`{' '.join(command[:3])}` did not end: {error!s:.100}") from error
    if done.returncode:
        raise NoAnswer((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:300])
    return done.stdout


def version(text: str) -> tuple[int, ...]:
    """`v1.34.1-eks` → (1, 34, 1); () without a number in front."""
    numbers: list[int] = []
    for word in text.strip().removeprefix("v").split("."):
        digits = word[: next((at for at, letter in enumerate(word) if not letter.isdigit()), len(word))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != word:
            break
    return tuple(numbers)


def at_least(current: str, minimum: str) -> bool:
    """Whether the version `current` is not older than `minimum`."""
    return version(current) >= version(minimum)
