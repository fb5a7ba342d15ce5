"""Reads what act prints with --json: all of it goes to the run's log, a line a step to whoever pushed."""

import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

SUMMARY = 3  # lines of a step's summary: of a report, the verdict and its reason
TAIL = 30  # lines of a failed step's output shown at once


class Report:
    """One run's output. `say` gets the short version, `log` everything."""

    def __init__(self, log: Path, say: Callable[[str], None]) -> None:
        self._log = log.open("a", encoding="utf-8")
        self._say = say
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._job = ""
        self._began: dict[str, float] = {}  # job → when it said its first word
        self._over: Any = None  # the failed step whose last words act may still be about to tell
        self.failed: list[str] = []  # names of the steps that failed

    def read(self, line: bytes) -> None:
        """One line of act's output."""
        text = line.decode(errors="replace").rstrip()
        try:
            event = json.loads(text)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            self._write(text)
            if text.startswith("Error:") and not self.failed:  # act's own trouble; a failed step has had its word
                self._say(f"  act: {text}")
            return
        message = _plain(str(event.get("msg", "")))
        job = str(event.get("job", "")).strip()
        self._began.setdefault(job, monotonic())
        if "jobResult" in event:
            mark = "✓" if event["jobResult"] == "success" else "✗"
            self._say(f"  job {job} {mark} {monotonic() - self._began[job]:.1f} s")
        self._write(message if event.get("raw_output") else f"[{str(event.get('job', '')).strip()}] {message}")
        if event.get("raw_output") and self._over is not None and event.get("stepID") == self._over:
            self._say(f"      | {message}")
        elif event.get("raw_output"):
            self._tail.append(message)
        elif "stepResult" in event:
            self._step(event)
        elif event.get("command") == "summary":
            lines = [part for part in str(event.get("content", "")).splitlines() if part]
            for part in lines[:SUMMARY]:
                self._say(f"    {part}")
            if lines[SUMMARY:]:
                self._say(f"    … and {len(lines) - SUMMARY} more lines, which GitHub shows on the run's page")
        elif event.get("level") in ("error", "fatal") and not message.strip().startswith("exit status"):
            self._say(f"  {message}")

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def _step(self, event: dict[str, Any]) -> None:
        """The end of a step; a composite action's steps and act's own (Pre, Post, Set up job) are not shown."""
        failed = event["stepResult"] == "failure"
        own = len(event.get("stepID", [])) != 1 or event.get("stage") != "Main"
        if own and not (failed and event.get("stage") == "Post"):
            return
        job = str(event.get("job", "")).strip()
        if job != self._job:
            self._job = job
            self._say(f"  job {job}")
        mark = {"success": "✓", "failure": "✗"}.get(event["stepResult"], "-")
        name = str(event.get("step", "")).splitlines()[0]
        action, at, ref = name.partition("@")
        if at and len(ref) == 40:  # an action by its commit
            name = action
        self._say(f"    {mark} {event.get('executionTime', 0) / 1e9:6.1f} s  {name}")
        if failed:
            self.failed.append(name)
            self._over = event.get("stepID")
            for line in self._tail:
                self._say(f"      | {line}")
        self._tail.clear()

    def _write(self, text: str) -> None:
        self._log.write(text + "\n")
        self._log.flush()


def _plain(text: str) -> str:
    """Without the carriage returns and colours that a step prints because act gives it a terminal."""
    last = text.rstrip("\r\n").rpartition("\r")[2]
    out, at = "", 0
    while (start := last.find("\x1b[", at)) >= 0:
        out += last[at:start]
        at = start + 2
        while at < len(last) and not last[at].isalpha():
            at += 1
        at += 1
    return out + last[at:]
