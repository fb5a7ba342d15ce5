"""Who had which share of an environment's traffic after each commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from release.git.tip import Tip
from release.gitops import record as records
from release.gitops.folder import Folder
from release.gitops.record import Record
from release.gitops.release import Release
from release.gitops.worktree import Worktree

LONGEST = 50  # commits that a page shows of one environment


@dataclass(frozen=True)
class Share:
    """The percentage of the traffic that one release has, and as what: `stable`, `canary` or `to be proved`."""

    release: Release
    percent: int
    role: str


@dataclass(frozen=True)
class Step:
    """One commit that changed a record: `when` in UTC (ISO 8601), and the shares from then on.

    `reason` and `evidence`: as its trailers say them. `shadow`: what a candidate answered to logged requests.
    """

    when: str
    commit: str
    subject: str
    shares: tuple[Share, ...]
    reason: str = ""
    evidence: str = ""
    shadow: str = ""


def shares(record: Record) -> tuple[Share, ...]:
    """The releases that `record` gives traffic, or is about to: the stable one first."""
    candidate, percent = record.candidate, record.percent or 0
    role = "canary" if percent else "to be proved"
    stable = [] if record.stable is None else [Share(record.stable, 100 - percent, "stable")]
    return (*stable, *([Share(candidate, percent, role)] if candidate else []))


def steps(tip: Tip | Worktree, folder: Folder) -> tuple[Step, ...]:
    """The last commits that changed the record in `folder`, the newest first; none of a working tree."""
    return () if isinstance(tip, Worktree) else tuple(_steps(tip, folder))


def _steps(tip: Tip, folder: Folder) -> Iterator[Step]:
    path = f"{folder.path}/{records.FILE}"
    for version in tip.latest(path, LONGEST):
        now = shares(records.parse(version.text, path))
        if now:
            when = datetime.fromtimestamp(version.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            words = [version.trailers.get(name, "") for name in ("Release-Reason", "Release-Evidence", "Shadow")]
            yield Step(when, version.commit, version.subject, now, *words)
