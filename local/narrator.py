"""What the demo prints: numbered steps with the seconds that have passed, the reason for each, and what came of it."""

import os
import re
import shutil
import sys
import textwrap
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

INDENT = " " * 11
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")  # colours, and moves of the cursor
PATIENCE = 2.0  # seconds of silence after which a terminal shows that something goes on


class Narrator:
    """Prints to the terminal; whatever a command prints goes to `log` as well, in full.

    On a terminal the last line shows, while a step is silent, how long that has been and what the command printed last.
    """

    def __init__(self, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self.verbose = os.environ.get("VERBOSE", "") not in ("", "0")
        self.activity: Callable[[], str] | None = None  # where else to look for the last line of what goes on
        self._file: IO[str] = log.open("w", encoding="utf-8")
        self._started = time.monotonic()
        self._steps = 0
        self._noted = ""
        self._spoken = self._started
        self._lock = threading.Lock()
        self._closed = threading.Event()
        if sys.stdout.isatty():
            threading.Thread(target=self._show_life, daemon=True).start()

    @property
    def seconds(self) -> float:
        """Since the first line."""
        return time.monotonic() - self._started

    def step(self, title: str, why: str) -> None:
        """Begins the next step."""
        self._steps += 1
        self._noted = ""
        self._print(f"[{self.seconds:6.1f} s] {self._steps}. {title}: {why}")

    def say(self, line: str) -> None:
        """One line of the step."""
        self._print(f"{INDENT}{line}")

    def detail(self, line: str) -> None:
        """One line that the terminal shows with VERBOSE=1 only."""
        (self.say if self.verbose else self.note)(line)

    def note(self, line: str) -> None:
        """One line for the log only."""
        self._noted = line
        self._file.write(line + "\n")
        self._file.flush()

    def rest(self) -> None:
        """From now on silence is no news."""
        self._closed.set()

    @contextmanager
    def naming_the_log(self) -> Iterator[None]:
        """Whatever ends the work within, an interruption too, the last line says where the whole log is."""
        try:
            yield
        except BaseException:
            print(f"\nthe demo stopped; the whole log: {self.log}", flush=True)
            raise

    def close(self) -> None:
        """The log is complete."""
        self.rest()
        self._file.close()

    def _print(self, line: str) -> None:
        with self._lock:
            text = f"\r\033[K{_wrapped(line)}" if sys.stdout.isatty() else line
            print(text, flush=True)
            self._spoken = time.monotonic()
        self.note(line)

    def _show_life(self) -> None:
        """Until the end, once a second."""
        while not self._closed.wait(1.0):
            silent = time.monotonic() - self._spoken
            if silent > PATIENCE:
                last = " ".join((self.activity() if self.activity else self._noted).split())
                line = _cut(f"{INDENT}{silent:4.0f} s  {last}", shutil.get_terminal_size().columns)
                with self._lock:
                    print(f"\r\033[K{line}", end="", flush=True)


def _wrapped(line: str) -> str:
    """For the terminal, broken between words; a command stays one line, to be copied."""
    if line.lstrip().startswith("$ "):
        return line
    width = shutil.get_terminal_size().columns
    whole = textwrap.TextWrapper(width, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False)
    return "\n".join(whole.wrap(line))


def _cut(text: str, columns: int) -> str:
    """What fits one line of the terminal, without colours and other commands to it: a longer one cannot be cleared."""
    plain, used = [], 0
    for character in _ESCAPES.sub("", text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > columns:
            break
        plain.append(character if character.isprintable() else " ")
    return "".join(plain)
