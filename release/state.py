"""The states of an environment and the commands that lead from one to the next, as docs/releases.md shows them too.

A command that the table does not hold is refused with those it does. Each function is pure: record in, record out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from artifact.errors import ConfigurationError
from release import commit_message
from release.gitops.record import Record, Release

# (state, command) → state after it
TABLE = {
    ("empty", "deploy"): "stable",
    ("stable", "deploy"): "stable",
    ("stable", "deploy --canary"): "canary",
    ("stable", "rollback"): "settled",
    ("canary", "deploy"): "canary",
    ("canary", "deploy --canary"): "canary",
    ("canary", "deploy of the stable"): "rolled-back",
    ("canary", "advance"): "canary",
    ("canary", "promote"): "stable",
    ("canary", "rollback"): "rolled-back",
    ("canary", "rebuild"): "stable",
    ("rolled-back", "settle"): "settled",
    ("rolled-back", "rebuild"): "settled",
    ("settled", "deploy"): "stable",
    ("settled", "deploy --canary"): "canary",
    ("settled", "rollback --to"): "settled",
}
# (state, command) of a rerun: it finds its work done, says so and commits nothing.
ARRIVED = {
    ("stable", "promote"),
    ("stable", "settle"),
    ("stable", "rebuild"),
    ("rolled-back", "rollback"),
    ("rolled-back", "deploy of the stable"),
    ("settled", "rollback"),
    ("settled", "settle"),
    ("settled", "rebuild"),
    ("settled", "deploy of the stable"),
    ("stable", "deploy of the stable"),
    ("empty", "rebuild"),
}


def of(record: Record) -> str:
    """The state of `record`, by its fields alone.

    `empty`: never deployed; `stable`: one release has all traffic; `canary`: a second one has a share of it;
    `rolled-back`: a canary was taken back and 0 % waits to be settled; `settled`: all traffic after a rollback.
    """
    if record.stable is None:
        return "empty"
    if record.candidate is not None:
        return "canary"
    if record.percent is not None:
        return "rolled-back"
    return "stable" if record.left is None else "settled"


def told(record: Record) -> str:
    """State, models and percentage in one line, for trailers and people."""
    if record.stable is None:
        return of(record)
    stable = commit_message.short(record.stable.digest)
    if record.candidate is not None:
        return f"canary: {record.percent} % {commit_message.short(record.candidate.digest)}, stable {stable}"
    return f"{of(record)}: {stable}"


def possible(record: Record) -> list[str]:
    """The commands that the table holds for the state of `record` and that would change something."""
    lonely = len(record.releases) < 2 and record.candidate is None
    return [
        command
        for (state, command) in TABLE
        if state == of(record) and command != "deploy of the stable" and not (lonely and command.startswith("rollback"))
    ]


def arrived(record: Record, command: str) -> bool:
    """Whether `command` finds its work done in the state of `record`; ConfigurationError when the table lacks it."""
    if (of(record), command) in ARRIVED:
        return True
    if (of(record), command) not in TABLE:
        raise ConfigurationError(
            f"{command} is not possible: {record.model} in {record.environment} is {of(record)}; "
            f"possible now: {', '.join(possible(record)) or 'nothing'}"
        )
    return False


def deploy(record: Record, release: Release, *, keep: int, percent: int | None, first: int) -> Record:
    """`release` gets all traffic, or `percent` of it as a canary; during a canary it replaces the candidate.

    `first` is the percentage that a replacing candidate begins with when none is given. The record remembers `keep`
    releases, this one included, and comes back as it is when `release` is already on its way or there.
    """
    where = f"{record.model} in {record.environment}"
    if release.same(record.stable):
        if percent is not None:
            raise ConfigurationError(
                f"{where} gives {commit_message.short(release.digest)} all traffic: the same with a percentage "
                "would read as a rollback; leave out --canary, or name another model"
            )
        if arrived(record, "deploy of the stable"):
            return record
        return take_back(record)
    if release.same(record.candidate):
        return record
    if of(record) == "empty" and percent is not None:
        raise ConfigurationError(f"the first release of {where} takes all the traffic: leave out --canary")
    arrived(record, "deploy" if percent is None else "deploy --canary")
    if of(record) == "canary" or percent is not None:
        return dataclasses.replace(record, candidate=release, percent=_share(percent or first), left=None)
    return _stable(record, release, keep)


def advance(record: Record, to: int) -> Record:
    """`to` percent of the traffic for the candidate: more than it has; the record as it is when it has that much."""
    arrived(record, "advance")
    assert record.percent is not None  # the table lets only a canary advance
    if _share(to) < record.percent:
        raise ConfigurationError(
            f"{record.model} in {record.environment} has its canary at {record.percent} %, {to} % is less: "
            "take it back with `release rollback`, or name more"
        )
    return dataclasses.replace(record, percent=to)


def promote(record: Record, keep: int, since: str) -> Record:
    """All traffic to the candidate."""
    if arrived(record, "promote"):
        return record
    assert record.candidate is not None  # the table lets only a canary be promoted
    return _stable(record, dataclasses.replace(record.candidate, since=since), keep)


def take_back(record: Record) -> Record:
    """The canary's traffic back to the stable release: its model and image are named again, with 0 percent."""
    assert record.candidate is not None
    return dataclasses.replace(record, candidate=None, percent=0, left=record.candidate.digest)


def settle(record: Record) -> Record:
    """The percentage of a canary that was taken back goes away."""
    return record if arrived(record, "settle") else dataclasses.replace(record, percent=None)


def rebuild(record: Record) -> Record:
    """What a cluster without a rolled-out revision can be given: the stable release with all traffic."""
    return record if arrived(record, "rebuild") else dataclasses.replace(record, candidate=None, percent=None)


def rollback(record: Record, to: str | None, since: str, barred: Callable[[Release], bool]) -> Record:
    """Back to the stable release during a canary; after it, to the release before, or the newest with the digest `to`.

    Releases that came later are forgotten, so that the next rollback leads further back and never to the model just
    left; one that is `barred` is passed over. The record is returned as it is when the work is done.
    """
    where = f"{record.model} in {record.environment}"
    if record.stable is not None and to == record.stable.digest and record.candidate is None:
        return record
    if arrived(record, "rollback --to" if of(record) == "settled" and to is not None else "rollback"):
        if to is not None:
            raise ConfigurationError(f"{where} was just rolled back: `release settle` first, then `--to {to}`")
        return record
    if record.candidate is not None:
        if record.stable is not None and to not in (None, record.stable.digest):
            raise ConfigurationError(
                f"{where} has a canary, which goes back to {record.stable.digest}: roll that back first, without --to"
            )
        return take_back(record)
    older = record.releases[1:]
    if not older:
        raise ConfigurationError(f"{where} has nothing to roll back to: its record holds one release; deploy another")
    found = [place for place, one in enumerate(older) if one.digest == to or (to is None and not barred(one))]
    if not found:
        raise ConfigurationError(
            f"{where} has no earlier release {to or 'that is not in quarantine'}: "
            f"`--to` takes one of {', '.join(one.digest for one in older)}"
        )
    stable = dataclasses.replace(older[found[0]], since=since)
    left = record.releases[0].digest
    return dataclasses.replace(record, stable=stable, left=left, releases=(stable, *older[found[0] + 1 :]))


def _stable(record: Record, release: Release, keep: int) -> Record:
    older = tuple(one for one in record.releases if not release.same(one))
    return dataclasses.replace(
        record, stable=release, candidate=None, percent=None, left=None, releases=(release, *older)[:keep]
    )


def _share(percent: int) -> int:
    if not 1 <= percent <= 99:
        raise ConfigurationError(f"a canary gets from 1 to 99 percent, not {percent}: `release promote` gives it all")
    return percent
