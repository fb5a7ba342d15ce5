"""Show what Git names for each model and environment.

It is read from the remote, since a checkout may be behind.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from artifact.errors import ConfigurationError
from release import command_line, state
from release.checkout import Checkout
from release.git.branch import Branch, opened, tip
from release.git.tip import Tip
from release.gitops import folder as folders
from release.gitops import quarantine
from release.gitops.environment import Environment
from release.gitops.folder import Folder
from release.gitops.record import SCHEMA_VERSION, Record, only
from release.gitops.release import SHORTEST, Release
from release.gitops.worktree import Worktree

_HEAD = ("TRAFFIC", "RELEASE", "DIGEST", "IMAGE", "SINCE", "PROOF", "SOURCE")
WIDTH = 100  # of a hint, and of a line whose model has a short name
_BOLD, _DIM = "1", "2"
_COLOURS = {"stable": "32", "canary": "33", "proving": "36", "empty": _DIM}


@dataclass(frozen=True)
class Status:
    """One environment: its record, the proof of each release that has an InferenceService, and what to look at."""

    record: Record
    proofs: dict[str, str]  # release → `proved`, `void`, `none`
    notes: tuple[str, ...] = ()


def read(branch: Branch, model: str | None = None) -> list[Status]:
    """The status of each environment of each model (of `model` only, if one is named), by name."""
    with opened(branch) as git:
        return read_from(tip(git, branch), model)


def read_from(tip: Tip | Worktree, model: str | None = None) -> list[Status]:
    """The status of each environment that the branch or the working tree holds."""
    return [_status(tip, folder) for folder in folders.all_of(tip, model)]


def as_json(environments: Sequence[Status]) -> list[dict[str, Any]]:
    """The records whole, each with its state and the commands that are possible now.

    `releases` begins with the stable one and goes back through those that served and were not rejected; `ready`: what
    has an InferenceService.
    """
    return [
        {
            "model": status.record.model,
            "environment": status.record.environment,
            "schema_version": status.record.schema,
            "state": state.of(status.record),
            "stable": _json(status.record.champion),
            "candidate": _json(status.record.candidate),
            "percent": status.record.percent,
            "share": status.record.share,
            "releases": [_json(release) for release in _history(status.record)],
            "ready": [release.name for release in status.record.releases if release.rendered],
            "proofs": status.proofs,
            "notes": list(status.notes),
            "possible": state.possible(status.record),
        }
        for status in environments
    ]


def table(environments: Sequence[Status], colour: bool, *, uris: bool = False) -> str:
    """Each environment with a line for each release that has a share, notes, and what is possible next.

    Digests are as short as tells them apart; every command takes them. `uris` adds the URI, image and gate of each
    release. `colour` is for a terminal.
    """
    length = _unique([release.digest for each in environments for release in each.record.releases])
    rows = {index: _rows(status, length) for index, status in enumerate(environments)}
    cells = [_HEAD, *(row for of_one in rows.values() for row, _ in of_one)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]

    def mark(text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    def line(row: Sequence[str]) -> str:
        traffic, *rest = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        return "  ".join(["", traffic.rstrip().rjust(len(traffic)), *rest]).rstrip()

    lines = [mark(line(_HEAD), _BOLD)]
    for index, status in enumerate(environments):
        kind = state.of(status.record)
        lines.append(f"{_plain(status.record.model)} {_plain(status.record.environment)}: {mark(kind, _COLOURS[kind])}")
        for row, release in rows[index]:
            lines.append(line(row))
            if uris:
                lines += [f"      {_plain(text)}" for text in (release.uri, release.image, release.gate)]
        hints = [*status.notes, f"possible now: {', '.join(state.possible(status.record)) or 'nothing'}"]
        for hint in hints:
            lines += [mark(part, _DIM) for part in _wrapped(_plain(hint))]
    return "\n".join(lines)


def _unique(digests: Sequence[str]) -> int:
    """The least number of characters, at least SHORTEST, by which the digests differ."""
    different = {digest.removeprefix("sha256-") for digest in digests}
    return next(size for size in range(SHORTEST, 65) if len({digest[:size] for digest in different}) == len(different))


def _wrapped(hint: str) -> list[str]:
    return textwrap.wrap(
        hint, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _status(tip: Tip | Worktree, folder: Folder) -> Status:
    environment, record = folder.read(tip)
    rendered = [release for release in record.releases if release.rendered]
    proofs = {
        release.name: "none" if release.proof is None else ("proved" if folder.proved(tip, release) else "void")
        for release in rendered
    }
    entries = folder.quarantined(tip)
    barred = [release for release in rendered if quarantine.match(entries, release.digest, release.inputs_digest)]
    return Status(record, proofs, tuple(_notes(environment, record, proofs, [release.name for release in barred])))


def _notes(environment: Environment, record: Record, proofs: dict[str, str], barred: Sequence[str]) -> list[str]:
    notes = []
    if record.schema != SCHEMA_VERSION:
        return [f"its record is of schema {record.schema}: `release migrate --env {record.environment}`"]
    if record.old_percent is not None:
        notes.append(f"the InferenceService {record.model} is still there: `release migrate`")
    for release in (record.stable, record.candidate if record.percent else None):
        if release is None:
            continue
        if release.name in barred:
            notes.append(f"serves a quarantined release, {release.name}: `release quarantine {release.name}`")
        if proofs[release.name] == "void":
            notes.append(
                f"the proof of {release.name} is void, since its runtime or a patch changed: `release prove`; "
                "a cluster that is made anew answers 404 while a release of the Route cannot start"
            )
        if proofs[release.name] == "none":
            why = "was never proved" if environment.proves else "needed no proof here"
            notes.append(f"{release.name} {why}: a cluster that is made anew answers 404 if it cannot start")
    in_traffic = (record.stable_name, record.candidate_name)
    idle = [release.name for release in record.releases if release.rendered and release.name not in in_traffic]
    if len(idle) + (record.stable is not None) > environment.ready:
        notes.append(f"without traffic: {', '.join(idle)}; `release retire` keeps {environment.ready}")
    return notes


def _history(record: Record) -> list[Release]:
    first = [] if record.champion is None else [record.champion]
    served = (release for release in record.releases if release.served and not release.rejected)
    return [*first, *(release for release in served if release not in (*first, record.candidate))]


def _rows(status: Status, length: int) -> list[tuple[tuple[str, ...], Release]]:
    """The releases that share the traffic, with their cells; the stable one first. Text from files is escaped."""
    record = status.record
    share = record.percent or 0
    shares = [(record.stable, 100 - share), (record.candidate, share)]
    return [
        (tuple(map(_plain, _cells(release, percent, status.proofs, length))), release)
        for release, percent in shares
        if release is not None
    ]


def _cells(release: Release, share: int, proofs: dict[str, str], length: int) -> tuple[str, ...]:
    return (
        f"{share} %",
        release.name,
        release.digest.removeprefix("sha256-")[:length],
        release.image.rpartition("@sha256:")[2][:SHORTEST],
        release.since[:16].replace("T", " "),
        proofs.get(release.name, "-"),
        release.source_commit[:SHORTEST],
    )


def _json(release: Release | None) -> dict[str, Any] | None:
    return None if release is None else {"name": release.name} | dataclasses.asdict(release)


def _plain(text: str) -> str:
    return text.encode("unicode_escape").decode()


def uri_of(branch: Callable[[], Branch], text: str) -> str:
    """`text` when it is a URI, else the storageUri of what it names: a release, or a digest or the beginning of one.

    ConfigurationError where no record names it, or several do.
    """
    if "://" in text:
        return text
    there = branch()
    with opened(there) as git:
        head = tip(git, there)
        named = [match for folder in folders.all_of(head) if (match := folder.read(head)[1].find(text)) is not None]
    if (release := only(text, named)) is None:
        raise ConfigurationError(f"no record names a release {text!r}: see `release status`, or give its URI")
    return release.uri


def main(argv: Sequence[str] | None = None) -> None:
    """As `table`, or as `as_json`. ConfigurationError (10) for a model that gitops/ does not hold."""
    line = command_line.parser("status", __doc__)
    line.add_argument("--json", action="store_true", help="the whole records, for programs")
    line.add_argument("--uris", action="store_true", help="with the URI, image and gate of each release")
    line.add_argument("--model", help="only this model")
    line.add_argument("--tree", action="store_true", help="of gitops/ here, without asking the remote")
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    every = read_from(Worktree(checkout.root)) if arguments.tree else read(checkout.remote())
    environments = [status for status in every if arguments.model in (None, status.record.model)]
    if not environments and arguments.model is not None:
        there = ", ".join(sorted({status.record.model for status in every})) or "none"
        raise ConfigurationError(f"gitops/models holds no model {arguments.model!r}: it holds {there}")
    if arguments.json:
        print(json.dumps(as_json(environments), indent=2))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        print(table(environments, colour, uris=arguments.uris))
