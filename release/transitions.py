"""What each command does to a record: functions from record to record. release.state says which is possible when."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from artifact.errors import ConfigurationError, GateRefused
from release.gitops.record import Record
from release.gitops.release import Release
from release.state import arrived, eligible, of, taken_back


def deploy(record: Record, release: Release, *, keep: int, percent: int | None, first: int) -> Record:
    """`release` becomes the candidate, to be proved; it is to get all traffic then, or `percent` as a canary.

    It replaces another candidate, and begins with `first` percent where that one was a canary. The record remembers
    `keep` releases and comes back as it is when `release` is already on its way or there.
    """
    title = f"{record.model} in {record.environment}"
    if release.same(record.stable):
        if percent is not None:
            raise ConfigurationError(
                f"{title} gives {release.name} all traffic already: leave out --canary, or name another model"
            )
        if not arrived(record, "deploy of the stable"):
            record = _without_candidate(record, release.since)
        return _update(record, release.name, rejected=False)
    if release.same(record.candidate):
        return record
    if record.stable is None and percent is not None:
        raise ConfigurationError(f"the first release of {title} takes all the traffic: leave out --canary")
    arrived(record, "deploy" if percent is None else "deploy --canary")
    if percent is None:
        percent = first if of(record) == "canary" else (record.share or 100)
    earlier = record.find(release.name)
    if earlier is not None and earlier.rendered:
        release = dataclasses.replace(release, served=earlier.served, proof=earlier.proof)
    record = _without_candidate(record, release.since)
    older = tuple(other for other in record.releases if other.name != release.name)
    releases = (dataclasses.replace(release, rendered=True), *older)
    return dataclasses.replace(
        record,
        candidate_name=release.name,
        percent=0,
        share=100 if record.stable is None else _percentage(percent, 100),
        releases=tuple(entry for number, entry in enumerate(releases) if number < keep or entry.rendered),
    )


def advance(record: Record, to: int | None, since: str) -> Record:
    """`to` percent of the traffic for the candidate, or what it was to get once proved; never less than it has."""
    arrived(record, "advance")
    assert record.percent is not None  # the table lets only a candidate advance
    if record.percent == 0:
        return _give(record, _percentage(to or record.share or 100, 100), since)
    if to is None:
        raise ConfigurationError(f"{record.model} in {record.environment} is a canary: say how much, with --to N")
    if _percentage(to, 99) < record.percent:
        raise ConfigurationError(
            f"{record.model} in {record.environment} has its canary at {record.percent} %, {to} % is less: "
            "take it back with `release rollback`, or name more"
        )
    return _give(record, to, since)


def promote(record: Record, since: str) -> Record:
    """All traffic to the candidate."""
    return record if arrived(record, "promote") else _give(record, 100, since)


def rollback(record: Record, to: str | None, since: str, barred: Callable[[Release], bool]) -> Record:
    """Back to the stable release from a candidate; without one, to the release before, or to the one called `to`.

    A release without an InferenceService becomes the candidate, which has to be proved first. The record is returned as
    it is when the work is done.
    """
    title = f"{record.model} in {record.environment}"
    stable, candidate = record.stable, record.candidate
    if (named := record.find(to)) is not None and not named.called(to or ""):
        to = named.digest  # `to` is the beginning of it
    if candidate is None and stable is not None and to is not None and stable.called(to):
        return record
    if candidate is not None and stable is not None and stable.rejected and (to is None or candidate.called(to)):
        arrived(record, "rollback again")
        return record  # on the way to a retired release
    if to is None and taken_back(record):
        arrived(record, "rollback again")
        return record
    if candidate is not None:
        arrived(record, "rollback")
        if to is not None and not (stable is not None and stable.called(to)):
            raise ConfigurationError(
                f"{title} has a candidate, which goes back to {stable.name if stable else 'nothing'}: roll that back "
                "first, without --to"
            )
        return _without_candidate(record, since, rejected=True)
    arrived(record, "rollback" if to is None else "rollback --to")
    older = [release for release in record.releases if release is not stable]
    choices = eligible(record, barred) if to is None else [release for release in older if release.called(to)]
    if not choices:
        names = ", ".join(release.name for release in older)
        raise ConfigurationError(
            f"{title} has no earlier release {to or 'that served and is not in quarantine'}: "
            + (f"`--to` takes one of {names}" if names else "nothing to roll back to, deploy another")
        )
    return _to(record, choices[0], since)


def leave(record: Record, since: str, barred: Callable[[Release], bool], *, stop: bool) -> Record:
    """Take the traffic from releases that are `barred`, and give it to the newest proved release that is not.

    Without such a release nothing serves any more, when `stop` allows that; GateRefused otherwise.
    """
    candidate, stable = record.candidate, record.stable
    if candidate is not None and barred(candidate):
        arrived(record, "quarantine")
        record, candidate = _without_candidate(record, since, rejected=True), None
    if stable is None or not barred(stable):
        return record
    arrived(record, "quarantine")
    if candidate is not None and record.percent:
        return _update(_give(record, 100, since), stable.name, rejected=True)
    choices = [release for release in eligible(record, barred) if release.rendered]
    if choices:
        return _to(record, choices[0], since)
    if not stop:
        raise GateRefused(
            f"{record.model} in {record.environment} serves {stable.name} and has no other release that was proved: "
            "deploy one first, or let nothing serve with --stop"
        )
    stopped = dataclasses.replace(record, stable_name=None, share=record.share and 100, old_percent=None)
    return _update(stopped, stable.name, rejected=True, left=since)


def retire(record: Record, ready: int, barred: Callable[[Release], bool], old: Callable[[Release], bool]) -> Record:
    """Remove the InferenceServices that are `old`, that the Route does not name and that no rollback needs.

    `ready` of them stay: the stable release, and the newest that a rollback may lead to.
    """
    arrived(record, "retire")
    warm = eligible(record, barred)[: ready - (record.stable is not None)]
    in_use = [record.stable, record.candidate, *warm]
    names = [release.name for release in record.releases if release.rendered and release not in in_use and old(release)]
    for name in names:
        record = _update(record, name, rendered=False, proof=None)
    return record


def replaced(record: Record, release: Release) -> Record:
    """`record` with `release` instead of the one of the same name."""
    releases = tuple(release if entry.name == release.name else entry for entry in record.releases)
    return dataclasses.replace(record, releases=releases)


def _give(record: Record, percent: int, since: str) -> Record:
    """`percent` for the candidate; with 100 it is the stable release."""
    stable, candidate = record.stable, record.candidate
    assert candidate is not None
    record = _update(record, candidate.name, served=True, left=None)
    if percent < 100:
        return dataclasses.replace(record, percent=percent, share=None)
    if stable is not None:
        record = _update(record, stable.name, left=since)
    record = _update(record, candidate.name, since=since)
    return dataclasses.replace(record, stable_name=candidate.name, candidate_name=None, percent=None, share=None)


def _to(record: Record, target: Release, since: str) -> Record:
    """Reject the stable release and let `target` replace it: now where it has an InferenceService, else once proved."""
    assert record.stable is not None
    left = record.stable.name
    if not target.rendered:
        record = _update(_update(record, left, rejected=True), target.name, rendered=True, rejected=False, proof=None)
        return dataclasses.replace(record, candidate_name=target.name, percent=0, share=100)
    record = _update(record, left, rejected=True, left=since)
    record = _update(record, target.name, since=since, served=True, rejected=False, left=None)
    return dataclasses.replace(record, stable_name=target.name)


def _without_candidate(record: Record, since: str, *, rejected: bool = False) -> Record:
    """Give the candidate's traffic back to the stable release.

    One that had traffic keeps its InferenceService until it is retired: a Route may name it a while longer.
    """
    candidate = record.candidate
    if candidate is None:
        return record
    marks: dict[str, object] = {"left": since} if candidate.served else {"rendered": False, "proof": None}
    without = dataclasses.replace(record, candidate_name=None, percent=None, share=None)
    return _update(without, candidate.name, rejected=rejected, **marks)


def _update(record: Record, name: str, **changes: object) -> Record:
    """`record` with `changes` to the release `name`."""
    release = record.find(name)
    assert release is not None
    return replaced(record, dataclasses.replace(release, **changes))  # type: ignore[arg-type]


def _percentage(percent: int, most: int) -> int:
    if not 1 <= percent <= most:
        raise ConfigurationError(f"a canary gets from 1 to 99 percent, not {percent}: `release promote` gives it all")
    return percent
