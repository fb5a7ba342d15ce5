"""Every S3 request and every Git step of a command, in order: the places to kill it at come from a run of it.

Git tells of itself by a wrapper on PATH and by hooks of the bare remote, S3 by botocore's events. Both write into one
file, and whoever writes the line that was asked for ends the command with SIGKILL.
"""

import os
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil

_TELL = """\
#!/bin/sh
tell() {
  echo "$*" >> "$TRACE_FILE"
  [ "$(wc -l < "$TRACE_FILE")" -eq "${TRACE_LINE:-0}" ]
}
"""
# Only what the command itself starts counts; `push` lets its own process be found by the remote's hooks.
_GIT = """\
[ "$PPID" = "$TRACE_PID" ] || exec {git} "$@"
tell git "$1" && [ "$TRACE_WHEN" = before ] && kill -9 "$TRACE_PID" && exit 1
line=$(wc -l < "$TRACE_FILE")
if [ "$1" = push ]; then
  {git} "$@" & echo $! > "$TRACE_FILE.push"; wait $!
else
  {git} "$@"
fi
code=$?
[ "$line" -eq "${{TRACE_LINE:-0}}" ] && [ "$TRACE_WHEN" = after ] && kill -9 "$TRACE_PID"
exit $code
"""
_HOOK = """\
[ -n "$TRACE_FILE" ] || exit 0
tell remote {hook} "$1" && kill -9 "$TRACE_PID" "$(cat "$TRACE_FILE.push")"
cat > /dev/null
exit 0
"""


@dataclass(frozen=True)
class Point:
    """The `line`-th step of a command (from 1), `before` it, `after` it, or `during` it for a step of the remote."""

    line: int
    when: str
    step: str

    def __str__(self) -> str:
        return f"{self.when} {self.line}: {self.step}"


class Trace:
    """The steps of the commands that run in a process after `install`, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "trace"
        (folder / "bin").mkdir(parents=True)
        self._script(folder / "bin/git", _GIT.format(git=which("git")))

    def hook(self, origin: Path) -> None:
        """Let the bare repository `origin` tell of its part in a push."""
        for name in ("pre-receive", "reference-transaction", "post-receive"):
            (origin / "hooks").mkdir(exist_ok=True)
            self._script(origin / "hooks" / name, _HOOK.format(hook=name))

    def install(self, point: Point | None = None) -> None:
        """Trace this process from now on, and end it at `point`. For a fork: nothing takes it back."""
        self._file.write_text("")
        temporary = self._folder / "temporary"  # what a killed command leaves is not left in /tmp
        temporary.mkdir(exist_ok=True)
        tempfile.tempdir = str(temporary)
        os.environ |= {
            "PATH": f"{self._folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "TRACE_FILE": str(self._file),
            "TRACE_PID": str(os.getpid()),
            "TRACE_LINE": str(point.line if point else 0),
            "TRACE_WHEN": point.when if point else "",
        }
        if boto3.DEFAULT_SESSION is None:
            boto3.setup_default_session()
        boto3.DEFAULT_SESSION.events.register("before-send.s3", lambda request, **_: self._request(request, point))
        boto3.DEFAULT_SESSION.events.register("needs-retry.s3", lambda **_: self._answer(point))

    def points(self) -> list[Point]:
        """Where the traced command can be killed: around each step of its own, and during each of the remote."""
        lines = list(enumerate(self._file.read_text().splitlines(), 1))
        return [
            Point(line, when, step)
            for line, step in lines
            for when in (("during",) if step.startswith("remote") else ("before", "after"))
        ]

    def settle(self, origin: Path) -> None:
        """Returns when the remote has ended what it was doing for a client that is gone."""
        while any(
            "receive-pack" in " ".join(process.info["cmdline"] or ())
            and str(origin) in " ".join(process.info["cmdline"])
            for process in psutil.process_iter(["cmdline"])
        ):
            time.sleep(0.01)

    def _request(self, request: Any, point: Point | None) -> None:
        with self._file.open("a") as file:
            file.write(f"s3 {request.method} {urlsplit(request.url).path.rpartition('/')[2]}\n")
        self._kill_at(point, "before")

    def _answer(self, point: Point | None) -> None:
        self._kill_at(point, "after")

    def _kill_at(self, point: Point | None, when: str) -> None:
        if point and point.when == when and len(self._file.read_text().splitlines()) == point.line:
            os.kill(os.getpid(), signal.SIGKILL)

    @staticmethod
    def _script(path: Path, text: str) -> None:
        path.write_text(_TELL + text)
        path.chmod(0o755)
