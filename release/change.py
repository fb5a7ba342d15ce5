"""One command's change of one environment: decided from the tip of the branch, pushed as one commit or only shown."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from artifact.errors import ConfigurationError, GitError
from release import commit_message, state
from release.git.batch import AnyBranch, Batch
from release.git.branch import Branch, Change, opened, propose, tip, update
from release.git.tip import Tip
from release.gitops import quarantine
from release.gitops.environment import Environment
from release.gitops.folder import Folder, entries, quarantine_file
from release.gitops.quarantine import Quarantined
from release.gitops.record import SCHEMA_VERSION, Record
from release.gitops.release import Release

DONE, NOTHING, SUPERSEDED = "done", "nothing to do", "superseded"
DRY_RUN, PROPOSED = "dry run", "proposed"


@dataclass(frozen=True)
class Request:
    """Who runs which command and why; `dry_run`: only say what would be committed; `proposed`: on a branch to merge.

    `trailers`: what else the commit's message says, after the others.
    """

    command: str
    by: str = "unknown"
    reason: str = ""
    evidence: str = ""
    dry_run: bool = False
    proposed: bool = False
    trailers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """What a command decides from."""

    tip: Tip
    folder: Folder
    environment: Environment
    record: Record
    quarantined: tuple[Quarantined, ...]

    def barred(self, release: Release) -> bool:
        """Whether `release` is in quarantine, by its digest or by its inputs."""
        return quarantine.match(self.quarantined, release.digest, release.inputs_digest) is not None

    def refuse(self, release: Release) -> None:
        """GateRefused (41) when `release` is in quarantine."""
        quarantine.refuse(self.quarantined, release.digest, release.inputs_digest)


@dataclass(frozen=True)
class Decision:
    """What a command decides: the record afterwards, the `release` that the commit is about, the commit's `subject`.

    `superseded`: nothing is changed although the work is not done; `subject` then says why. `files`: path → text of
    files that people own and that change as well.
    """

    record: Record
    subject: str
    release: Release | None = None
    quarantined: tuple[Quarantined, ...] | None = None
    superseded: bool = False
    reason: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


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
        if self.outcome == DRY_RUN:
            return f"{self.message}\n{self.diff}".rstrip()
        return self.says if self.commit is None else f"{self.says}, commit {self.commit[:12]}"

    def as_json(self) -> dict[str, Any]:
        """Its fields."""
        return dataclasses.asdict(self)


def situation_of(tip: Tip, folder: Folder) -> Situation:
    """What the branch that holds `folder` says of it."""
    environment, record = folder.read(tip)
    return Situation(tip.of(folder.environment), folder, environment, record, folder.quarantined(tip))


def apply(
    branch: AnyBranch, folder: Folder, request: Request, decide: Callable[[Situation], Decision], *, again: bool = False
) -> Outcome:
    """Commit what `decide` decides for `folder`. It is asked again whenever the branch has moved meanwhile.

    Unless `again`, a change of this very environment meanwhile ends with GitError (50): the decision was about the
    record before that.
    """
    first: list[Record] = branch.rounds() if isinstance(branch, Batch) else []
    outcome = Outcome(NOTHING, "")

    def change(now: Tip) -> Change | None:
        nonlocal outcome
        situation = situation_of(now, folder)
        before = situation.record
        _require_migrated(before, request)
        if not again and (first or [before])[0] != before:
            raise GitError(
                f"{folder.model} in {folder.environment} changed while this was decided: see `release status`, "
                "then run this again"
            )
        first.append(before)
        decision = decide(situation)
        if decision.superseded:
            outcome = Outcome(SUPERSEDED, f"{SUPERSEDED}: {decision.subject}", state.of(before))
            return None
        files = {**folder.changed(now, before, decision.record), **decision.files}
        if decision.quarantined is not None:
            new = [entry for entry in decision.quarantined if entry not in situation.quarantined]
            listed = entries(now, folder.model)
            files |= quarantine_change(folder.model, listed, (*listed, *new))
        if not files:
            outcome = Outcome(NOTHING, f"nothing to do: {decision.subject}", state.of(before))
            return None
        repaired = before == decision.record and decision.quarantined in (None, situation.quarantined)
        subject = f"{folder.model}: {'repair, ' if repaired and not decision.files else ''}{decision.subject}"
        trailers = trailers_of(request, decision.reason, state.described(before), state.described(decision.record))
        if decision.release is not None:
            trailers = commit_message.trailers(decision.release, before.stable) | trailers
        message = commit_message.render(subject, trailers)
        outcome = Outcome(DONE, subject, state.of(decision.record), message=message)
        if request.proposed and decision.release is not None:
            name = f"release/{folder.environment}-{decision.release.name}"
            outcome = dataclasses.replace(outcome, outcome=PROPOSED, says=f"proposed: {subject}", branch=name)
        return Change(files, message)

    if request.proposed and isinstance(branch, Branch):
        commit: str | Preview | None = propose(branch, change, lambda: outcome.branch or "")
    else:
        commit = push(branch, change, request.dry_run)
    if isinstance(commit, Preview):
        return dataclasses.replace(outcome, outcome=DRY_RUN, diff=commit.diff)
    return dataclasses.replace(outcome, commit=commit)


@dataclass(frozen=True)
class Preview:
    """What a push would have changed."""

    diff: str


def push(branch: AnyBranch, change: Callable[[Tip], Change | None], dry_run: bool) -> str | Preview | None:
    """The commit that was pushed, or what it would change when `dry_run`.

    None for no change, and for one that is kept for a batch.
    """
    if isinstance(branch, Batch):
        branch.keep(change)
        return None
    if not dry_run:
        return update(branch, change)
    with opened(branch) as git:
        head = tip(git, branch)
        proposal = change(head)
        return None if proposal is None else Preview(_diff(head, proposal.files))


def quarantine_change(model: str, before: Sequence[Quarantined], after: Sequence[Quarantined]) -> dict[str, str]:
    """The file of the quarantine on one branch, path → text, when `after` differs."""
    return {quarantine_file(model): quarantine.render(after)} if tuple(after) != tuple(before) else {}


def trailers_of(request: Request, reason: str, before: str, after: str) -> dict[str, str]:
    """Who, why, from and to."""
    trailers = {
        "Release-Command": request.command,
        "Release-By": request.by,
        "Release-Reason": request.reason or reason,
        "Release-From": before,
        "Release-To": after,
    }
    return trailers | ({"Release-Evidence": request.evidence} if request.evidence else {}) | dict(request.trailers)


def _require_migrated(record: Record, request: Request) -> None:
    """ConfigurationError while a migration has to come first."""
    if request.command != "migrate" and not record.migrated:
        old = record.schema != SCHEMA_VERSION
        obstacle = f"its record is of schema {record.schema}" if old else "its migration to a Route is not done"
        raise ConfigurationError(
            f"{record.model} in {record.environment}: {obstacle}; run "
            f"`python -m release migrate --env {record.environment}`, which says its steps"
        )


def _diff(tip: Tip, files: Mapping[str, str]) -> str:
    lines: list[str] = []
    for path, text in sorted(files.items()):
        before = (tip.committed(path) or "").splitlines(keepends=True)
        lines += difflib.unified_diff(before, text.splitlines(keepends=True), f"a/{path}", f"b/{path}")
    return "".join(lines)
