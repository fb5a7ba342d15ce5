"""One command's change of one environment: decided from the tip of the branch, pushed as one commit or only shown."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from artifact.errors import GitError
from release import commit_message, state
from release.git.branch import Change, Remote, Tip, opened, propose, tip, update
from release.gitops import quarantine
from release.gitops.environment import Environment
from release.gitops.folder import Place, barrier
from release.gitops.quarantine import Quarantined
from release.gitops.record import Record, Release

DONE, NOTHING, SUPERSEDED, HOLDING = "done", "nothing to do", "superseded", "holding"
SHOWN, PROPOSED = "dry run", "proposed"


@dataclass(frozen=True)
class Order:
    """Who runs which command and why; `shown`: only say what would be committed; `proposed`: on a branch to merge."""

    command: str
    by: str = "unknown"
    reason: str = ""
    evidence: str = ""
    shown: bool = False
    proposed: bool = False


@dataclass(frozen=True)
class Seen:
    """What a command decides from."""

    tip: Tip
    environment: Environment
    record: Record
    quarantined: tuple[Quarantined, ...]


@dataclass(frozen=True)
class Step:
    """What a command makes of it: the record afterwards, of which `release` the commit speaks, what it is called.

    `refused`: SUPERSEDED or HOLDING, when nothing is changed although the work is not done; `subject` then says why.
    """

    record: Record
    subject: str
    release: Release | None = None
    quarantined: tuple[Quarantined, ...] | None = None
    refused: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a command ended, for people (`says`) and programs; `diff` only of a dry run."""

    outcome: str
    says: str
    state: str | None = None
    commit: str | None = None
    branch: str | None = None  # of a proposal
    message: str | None = None
    diff: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        if self.outcome == SHOWN:
            return f"{self.message}\n{self.diff}".rstrip()
        return self.says if self.commit is None else f"{self.says}, commit {self.commit[:12]}"

    def as_json(self) -> dict[str, Any]:
        """Its fields."""
        return dataclasses.asdict(self)


def take(remote: Remote, place: Place, order: Order, decide: Callable[[Seen], Step], *, again: bool = False) -> Outcome:
    """Carry out what `decide` makes of `place`; decided again when the branch moved.

    Unless `again`, a change of this very environment in between ends it with a GitError (50): nobody looked at that.
    """
    first: list[Record] = []
    outcome = Outcome(NOTHING, "")

    def change(now: Tip) -> Change | None:
        nonlocal outcome
        environment, before = place.read(now)
        if not again and (first or [before])[0] != before:
            raise GitError(
                f"{place.model} in {place.environment} changed while this was decided: see `release status`, "
                "then run this again"
            )
        first.append(before)
        seen = Seen(now, environment, before, place.quarantined(now))
        step = decide(seen)
        if step.refused is not None:
            outcome = Outcome(step.refused, f"{step.refused}: {step.subject}", state.of(before))
            return None
        files = place.changed(now, before, step.record)
        files |= barriers(place.model, seen.quarantined, step.quarantined)
        if not files:
            outcome = Outcome(NOTHING, f"nothing to do: {step.subject}", state.of(before))
            return None
        repaired = before == step.record and step.quarantined in (None, seen.quarantined)
        subject = f"{place.model}: {'repair, ' if repaired else ''}{step.subject}"
        trailers = trailers_of(order, step.reason, state.told(before), state.told(step.record))
        if step.release is not None:
            trailers = commit_message.trailers(step.release, before.stable) | trailers
        outcome = Outcome(DONE, subject, state.of(step.record), message=commit_message.render(subject, trailers))
        if order.proposed and step.release is not None:
            branch = f"release/{place.model}-{place.environment}-{commit_message.short(step.release.digest)}"
            outcome = dataclasses.replace(outcome, outcome=PROPOSED, says=f"proposed: {subject}", branch=branch)
        return Change(files, outcome.message or "")

    if order.proposed:
        commit: str | Shown | None = propose(remote, change, lambda: outcome.branch or "")
    else:
        commit = push(remote, change, order.shown)
    if isinstance(commit, Shown):
        return dataclasses.replace(outcome, outcome=SHOWN, diff=commit.diff)
    return dataclasses.replace(outcome, commit=commit)


@dataclass(frozen=True)
class Shown:
    """What a push would have changed."""

    diff: str


def push(remote: Remote, change: Callable[[Tip], Change | None], shown: bool) -> str | Shown | None:
    """The commit that was pushed, or what it would have changed when it is only to be `shown`; None for no change."""
    if not shown:
        return update(remote, change)
    with opened(remote) as git:
        here = tip(git, remote)
        wanted = change(here)
        return None if wanted is None else Shown(_diff(here, wanted.files))


def barriers(model: str, before: Sequence[Quarantined], after: Sequence[Quarantined] | None) -> dict[str, str]:
    """The file of the quarantine, path → text, when `after` (None: as before) differs."""
    return {} if after is None or tuple(after) == tuple(before) else {barrier(model): quarantine.render(after)}


def trailers_of(order: Order, reason: str, before: str, after: str) -> dict[str, str]:
    """Who, why, from and to."""
    told = {
        "Release-Command": order.command,
        "Release-By": order.by,
        "Release-Reason": order.reason or reason,
        "Release-From": before,
        "Release-To": after,
    }
    return told | ({"Release-Evidence": order.evidence} if order.evidence else {})


def _diff(here: Tip, files: Mapping[str, str]) -> str:
    lines: list[str] = []
    for path, text in sorted(files.items()):
        before = (here.read(path) or "").splitlines(keepends=True)
        lines += difflib.unified_diff(before, text.splitlines(keepends=True), f"a/{path}", f"b/{path}")
    return "".join(lines)
