"""What the demo prints: numbered steps with the seconds that have passed, the reason for each, and what came of it."""

import time
from pathlib import Path
from typing import IO

INDENT = " " * 11


class Narrator:
    """Prints to the terminal; whatever a command prints goes to `log` as well, in full."""

    def __init__(self, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._file: IO[str] = log.open("w", encoding="utf-8")
        self._started = time.monotonic()
        self._steps = 0

    @property
    def seconds(self) -> float:
        """Since the first line."""
        return time.monotonic() - self._started

    def step(self, title: str, why: str) -> None:
        """Begins the next step."""
        self._steps += 1
        self._print(f"\n[{self.seconds:6.1f} s] {self._steps}. {title}")
        self.say(why)

    def say(self, line: str) -> None:
        """One line of the step."""
        self._print(f"{INDENT}{line}")

    def note(self, line: str) -> None:
        """One line for the log only."""
        self._file.write(line + "\n")
        self._file.flush()

    def close(self) -> None:
        """The log is complete."""
        self._file.close()

    def _print(self, line: str) -> None:
        print(line, flush=True)
        self.note(line)
