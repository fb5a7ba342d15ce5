"""The states of an environment and the commands that lead from one to the next.

A command that the table does not hold is refused with those it does.
"""

from __future__ import annotations

import dataclasses

from artifact.errors import ConfigurationError
from release.record import Record, Release

# (state, command) → state after it
TABLE = {
    ("empty", "deploy"): "stable",
    ("stable", "deploy"): "stable",
    ("stable", "rollback"): "stable",
}


def of(record: Record) -> str:
    """`empty` before the first deploy, `stable` when one release has all traffic, `canary` when two share it."""
    if record.candidate is not None or record.percent is not None:
        return "canary"
    return "empty" if record.stable is None else "stable"


def possible(record: Record) -> list[str]:
    """The commands that the table holds for the state of `record`."""
    return [
        command
        for (state, command) in TABLE
        if state == of(record) and (command != "rollback" or len(record.releases) > 1)
    ]


def deploy(record: Record, release: Release, keep: int) -> Record:
    """All traffic to `release`; the record remembers `keep` releases, this one included."""
    _require(record, "deploy")
    older = tuple(one for one in record.releases if not release.same(one))
    return dataclasses.replace(record, stable=release, releases=(release, *older)[:keep])


def rollback(record: Record, to: str | None, since: str) -> Record:
    """All traffic back to the release before, or to the newest one with the artifact digest `to`, from `since` on.

    What was newer is forgotten, so that the next rollback leads further back and never to the model just left. The
    record is returned as it is when `to` serves already.
    """
    _require(record, "rollback")
    if record.stable is not None and record.stable.digest == to:
        return record
    older = record.releases[1:]
    where = f"{record.model} in {record.environment}"
    if not older:
        raise ConfigurationError(f"{where} has nothing to roll back to: its record holds one release; deploy another")
    found = [place for place, one in enumerate(older) if to in (None, one.digest)]
    if not found:
        raise ConfigurationError(
            f"{where} has no earlier release {to}: `--to` takes one of {', '.join(one.digest for one in older)}"
        )
    stable = dataclasses.replace(older[found[0]], since=since)
    return dataclasses.replace(record, stable=stable, releases=(stable, *older[found[0] + 1 :]))


def _require(record: Record, command: str) -> None:
    if (of(record), command) not in TABLE:
        raise ConfigurationError(
            f"{command} is not possible: {record.model} in {record.environment} is {of(record)}; "
            f"possible now: {', '.join(possible(record)) or 'nothing that this modelpin knows'}"
        )
