"""The states of an environment and the commands that lead from one to the next, as docs/releases.md shows them too.

A command that is not in the table is refused, and the error lists those that are. release.transitions has what each of
them does to the record.
"""

from __future__ import annotations

from collections.abc import Callable

from artifact.errors import ConfigurationError
from release.gitops.record import Record
from release.gitops.release import Release

# (state, command) → the states it may lead to
TABLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("empty", "deploy"): ("proving",),
    ("proving", "deploy"): ("proving",),
    ("proving", "deploy --canary"): ("proving",),
    ("proving", "deploy of the stable"): ("stable",),
    ("proving", "prove"): ("proving",),
    ("proving", "advance"): ("canary", "stable"),
    ("proving", "promote"): ("stable",),
    ("proving", "rollback"): ("stable", "empty"),
    ("proving", "quarantine"): ("proving", "stable", "empty"),
    ("proving", "retire"): ("proving",),
    ("stable", "deploy"): ("proving",),
    ("stable", "deploy --canary"): ("proving",),
    ("stable", "prove"): ("stable",),
    ("stable", "rollback"): ("stable", "proving"),
    ("stable", "rollback --to"): ("stable", "proving"),
    ("stable", "quarantine"): ("stable", "empty"),
    ("stable", "retire"): ("stable",),
    ("canary", "deploy"): ("proving",),
    ("canary", "deploy --canary"): ("proving",),
    ("canary", "deploy of the stable"): ("stable",),
    ("canary", "prove"): ("canary",),
    ("canary", "advance"): ("canary",),
    ("canary", "promote"): ("stable",),
    ("canary", "rollback"): ("stable",),
    ("canary", "quarantine"): ("stable", "empty"),
    ("canary", "retire"): ("canary",),
}
# (state, command) of a rerun: it finds its work done, says so and commits nothing.
ARRIVED = {
    ("stable", "deploy of the stable"),
    ("stable", "promote"),
    ("stable", "rollback again"),
    ("empty", "rollback again"),
    ("proving", "rollback again"),
}


def of(record: Record) -> str:
    """The state of `record`, by its fields alone.

    `empty`: nothing serves and nothing is on its way; `proving`: a candidate has no traffic yet; `stable`: one release
    has all traffic; `canary`: a second one has a share of it.
    """
    if record.candidate is not None:
        return "canary" if record.percent else "proving"
    return "empty" if record.stable is None else "stable"


def described(record: Record) -> str:
    """State, releases and percentage in one line, for trailers and people."""
    stable = record.stable_name
    if record.candidate is None:
        return of(record) if stable is None else f"{of(record)}: {stable}"
    share = f"{record.percent} %" if record.percent else f"to get {record.share} % once proved"
    return f"{of(record)}: {record.candidate_name} {share}" + ("" if stable is None else f", stable {stable}")


def possible(record: Record) -> list[str]:
    """The commands that the table holds for the state of `record` and that would change something."""
    if not record.migrated:
        return ["migrate"]
    back = record.candidate is not None or (not taken_back(record) and bool(eligible(record, lambda _: False)))
    return [
        command
        for (state, command) in TABLE
        if state == of(record)
        and command not in ("deploy of the stable", "retire", "prove", "quarantine")
        and (command != "rollback" or back)
        and (command != "rollback --to" or len(record.releases) > 1)
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


def taken_back(record: Record) -> bool:
    """Whether the release that was deployed last was taken back, so that a rollback finds its work done."""
    return record.candidate is None and bool(record.releases) and record.releases[0].rejected


def eligible(record: Record, barred: Callable[[Release], bool]) -> list[Release]:
    """The releases that a rollback may lead to, the best first: those that served here and are neither rejected nor
    barred; of them those with an InferenceService come first, and then the newest.
    """
    choices = [
        release
        for release in record.releases
        if release not in (record.stable, record.candidate)
        and release.served
        and not (release.rejected or barred(release))
    ]
    return sorted(choices, key=lambda release: not release.rendered)
