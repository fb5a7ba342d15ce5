"""Commit many commands at once, each a line of a file as it is typed after `python -m release`.

Each line is decided from what the lines before it made. One that is refused refuses all, unless `--keep-going`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from artifact.errors import ConfigurationError, ModelpinError, UsageError
from release import command_line, commit_message
from release.change import DONE, DRY_RUN, NOTHING, Outcome, Preview, Request, push
from release.checkout import Checkout
from release.git.batch import Batch
from release.git.branch import Change
from release.git.tip import Tip
from release.gitops.folder import MODELS, SHARED

COMMANDS = ("deploy", "advance", "promote", "prove", "rollback", "retire", "quarantine", "unquarantine")
# What would push by itself, or print what only the batch as a whole has.
_ALONE = ("--wait", "--propose", "--dry-run", "--json")
_SECONDS_A_LINE = 2.0
_TRAILERS = ("Release:", "Model-Digest:", "Release-From:", "Release-To:")


@dataclass(frozen=True)
class Line:
    """One command of a batch."""

    number: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"line {self.number}, `{shlex.join(self.words)}`"


def lines(text: str) -> list[Line]:
    """The commands in `text`, one a line; blank lines and what follows a `#` do not count. UsageError (2)."""
    listed = []
    for number, command in enumerate(text.splitlines(), 1):
        try:
            words = tuple(shlex.split(command, comments=True))
        except ValueError as error:
            raise UsageError(f"line {number}, `{command.strip()}`, is not a command line: {error}") from error
        if not words:
            continue
        line = Line(number, words)
        if words[0] not in COMMANDS:
            raise UsageError(f"{line}: a batch takes {', '.join(COMMANDS)}")
        if named := [word for word in words if word.partition("=")[0] in _ALONE]:
            raise UsageError(f"{line}: {named[0]} is not for a line of a batch: leave it out")
        listed.append(line)
    if not listed:
        raise UsageError(f"the batch holds no command: write one a line, as `{COMMANDS[1]} --env staging --model iris`")
    return listed


def batch(
    checkout: Checkout, request: Request, listed: Sequence[Line], *, keep_going: bool = False
) -> tuple[Outcome, list[str], list[ModelpinError]]:
    """Decide `listed` one after the other and push their changes as one commit: its outcome, and what each line said.

    Decided again from the new tip when the branch moved. The errors of the commands, with the line that ended so; with
    `keep_going` they are given back, and what the other lines made is committed.
    """
    branch = checkout.remote(_environment(listed[0]))
    remote = dataclasses.replace(branch, seconds=branch.seconds + _SECONDS_A_LINE * len(listed))
    before: dict[int, list[Any]] = {}
    answers: list[str] = []
    refused: list[ModelpinError] = []
    changed: list[str] = []

    message = ""

    def decide(tip: Tip) -> Change | None:
        nonlocal message
        for round_of in (answers, refused, changed):
            round_of.clear()
        tip.load(*SHARED, MODELS)
        pending = Batch(tip, before)
        with checkout.carries(pending, branch):
            for line in listed:
                pending.number, count = line.number, len(pending.messages)
                try:
                    answers.append(f"{line.number}: {_run(line, request)}")
                except ModelpinError as error:
                    failure = type(error)(f"{line}: {error}")
                    if not keep_going:
                        raise failure from error
                    refused.append(failure)
                if len(pending.messages) > count:
                    changed.append(line.words[0])
        message = _message(request, changed, pending.messages)
        return Change(pending.files, message) if pending.files else None

    commit = push(remote, decide, request.dry_run)
    if isinstance(commit, Preview):
        return Outcome(DRY_RUN, _subject(changed), message=message, diff=commit.diff), answers, refused
    outcome = Outcome(DONE, _subject(changed), commit=commit) if commit else Outcome(NOTHING, "nothing to do")
    return outcome, answers, refused


def _environment(line: Line) -> str:
    """The environment of its first --env, empty without one."""
    options = [word.partition("=") for word in line.words]
    after = [*line.words[1:], ""]
    return next((value or after[i] for i, (name, _, value) in enumerate(options) if name == "--env"), "")


def _run(line: Line, request: Request) -> str:
    """What the command of `line` says; its own reason and evidence go before those of the batch."""
    named = {word.partition("=")[0] for word in line.words}
    words = list(line.words)
    for option, text in (("--reason", request.reason), ("--evidence", request.evidence)):
        if text and option not in named:
            words.append(f"{option}={text}")
    output, complaints = StringIO(), StringIO()
    command: Callable[[Sequence[str]], object] = importlib.import_module(f"release.commands.{words[0]}").main
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(complaints):
            command(words[1:])
    except SystemExit as ended:  # argparse's way to refuse
        complaint = (complaints.getvalue().strip().splitlines() or ["not a command line"])[-1]
        raise UsageError(complaint) from ended
    return output.getvalue().strip()


def _subject(changed: Sequence[str]) -> str:
    counts = ", ".join(f"{number} {command}" for command, number in Counter(changed).items())
    return f"release {len(changed)} changes at once: {counts}" if len(changed) != 1 else f"release one change: {counts}"


def _message(request: Request, changed: Sequence[str], messages: Sequence[str]) -> str:
    """Subject, a line for each change, and the trailers by which `lineage` finds a model."""
    subjects = "".join(f"- {message.partition(chr(10))[0]}\n" for message in messages)
    trailers = [line for message in messages for line in message.splitlines() if line.startswith(_TRAILERS)]
    own = {"Release-Command": request.command, "Release-By": request.by, "Release-Reason": request.reason}
    head, _, tail = commit_message.render(_subject(changed), own).partition("\n\n")
    return f"{head}\n\n{subjects}\n" + "".join(f"{line}\n" for line in trailers) + tail


def main(argv: Sequence[str] | None = None) -> int:
    """As `batch`; the exit code is that of the first line that was refused, else 0."""
    line = command_line.parser("batch", __doc__)
    line.add_argument("file", metavar="FILE", help="the commands, one a line; `-` reads them from standard input")
    line.add_argument("--keep-going", action="store_true", help="commit the other lines when one is refused")
    command_line.add_request(line)
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    outcome, answers, refused = batch(
        checkout, checkout.request("batch", arguments), lines(_text(arguments.file)), keep_going=arguments.keep_going
    )
    if not arguments.json:
        print("\n".join(answers))
    command_line.show([outcome], arguments)
    for error in refused:
        print(f"error: {error}", file=sys.stderr)
    return refused[0].exit_code if refused else 0


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read ({error}): name a file with a command a line") from error
