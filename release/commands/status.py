"""Show what Git names for each model and environment.

It is read from the remote, since a checkout may be behind.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from artifact.errors import ConfigurationError
from release import command_line, commit_message, state
from release.checkout import Checkout
from release.git.branch import Branch, opened, tip
from release.git.tip import Tip
from release.gitops import folder as folders
from release.gitops import quarantine
from release.gitops.environment import Environment
from release.gitops.folder import Folder
from release.gitops.record import SCHEMA_VERSION, Record
from release.gitops.release import Release
from release.gitops.worktree import Worktree

_HEAD = ("MODEL", "ENVIRONMENT", "STATE", "TRAFFIC", "RELEASE", "DIGEST", "IMAGE", "SINCE", "PROOF", "SOURCE", "GATE")
_STATE, _TRAFFIC = _HEAD.index("STATE"), _HEAD.index("TRAFFIC")
_BOLD, _DIM = "1", "2"
_COLOURS = {"stable": "32", "canary": "33", "proving": "36", "empty": _DIM}


@dataclass(frozen=True)
class Status:
    """One environment: its record, the proof of each release that has an InferenceService, and what to look at."""

    record: Record
    proofs: dict[str, str]  # release → `proved`, `void`, `none`
    notes: tuple[str, ...] = ()


def read(branch: Branch, model: str | None = None) -> list[Status]:
    """Of each environment of each model (of `model` only, if one is named), by name."""
    with opened(branch) as git:
        return read_from(tip(git, branch), model)


def read_from(here: Tip | Worktree, model: str | None = None) -> list[Status]:
    """The same, of what the branch or the working tree holds."""
    return [_status(here, folder) for folder in folders.all_of(here, model)]


def as_json(environments: Sequence[Status]) -> list[dict[str, Any]]:
    """The records whole, each with its state and the commands that are possible now.

    `releases` begins with the stable one and goes back through those that served and were not rejected; `ready`: what
    has an InferenceService.
    """
    return [
        {
            "model": one.record.model,
            "environment": one.record.environment,
            "schema_version": one.record.schema,
            "state": state.of(one.record),
            "stable": _json(one.record.champion),
            "candidate": _json(one.record.candidate),
            "percent": one.record.percent,
            "share": one.record.share,
            "releases": [_json(release) for release in _history(one.record)],
            "ready": [release.name for release in one.record.releases if release.rendered],
            "proofs": one.proofs,
            "notes": list(one.notes),
            "possible": state.possible(one.record),
        }
        for one in environments
    ]


def table(environments: Sequence[Status], colour: bool) -> str:
    """A line for each release that has a share, notes, and what is possible next; `colour` for a terminal."""
    blocks = [(one, _rows(one)) for one in environments]
    widths = [
        max(len(row[column]) for row in [_HEAD, *(row for _, rows in blocks for row in rows)])
        for column in range(len(_HEAD))
    ]

    def line(row: Sequence[str], mark: str | None, columns: Sequence[int]) -> str:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        for column in columns if colour and mark else ():
            cells[column] = f"\x1b[{mark}m{cells[column]}\x1b[0m"
        return "  ".join(cells).rstrip()

    lines = [line(_HEAD, _BOLD, range(len(_HEAD)))]
    for one, rows in blocks:
        lines += [line(row, _COLOURS[state.of(one.record)], (_STATE, _TRAFFIC)) for row in rows]
        hints = [*one.notes, f"possible now: {', '.join(state.possible(one.record)) or 'nothing'}"]
        lines += [f"\x1b[{_DIM}m  {_plain(hint)}\x1b[0m" if colour else f"  {_plain(hint)}" for hint in hints]
    return "\n".join(lines)


def _status(here: Tip | Worktree, folder: Folder) -> Status:
    environment, record = folder.read(here)
    rendered = [one for one in record.releases if one.rendered]
    proofs = {
        one.name: "none" if one.proof is None else ("proved" if folder.proved(here, one) else "void")
        for one in rendered
    }
    entries = folder.quarantined(here)
    barred = [one for one in rendered if quarantine.match(entries, one.digest, one.inputs_digest)]
    return Status(record, proofs, tuple(_notes(environment, record, proofs, [one.name for one in barred])))


def _notes(environment: Environment, record: Record, proofs: dict[str, str], barred: Sequence[str]) -> list[str]:
    notes = []
    if record.schema != SCHEMA_VERSION:
        return [f"its record is of schema {record.schema}: `release migrate --env {record.environment}`"]
    if record.old_percent is not None:
        notes.append(f"the InferenceService {record.model} is still there: `release migrate`")
    for one in (record.stable, record.candidate if record.percent else None):
        if one is None:
            continue
        if one.name in barred:
            notes.append(f"serves a quarantined release, {one.name}: `release quarantine {one.name}`")
        if proofs[one.name] == "void":
            notes.append(
                f"the proof of {one.name} is void, since its runtime or a patch changed: `release prove`; a cluster "
                "that is made anew answers 404 while a release of the Route cannot start"
            )
        if proofs[one.name] == "none":
            why = "was never proved" if environment.proves else "needed no proof here"
            notes.append(f"{one.name} {why}: a cluster that is made anew answers 404 if it cannot start")
    in_traffic = (record.stable_name, record.candidate_name)
    idle = [one.name for one in record.releases if one.rendered and one.name not in in_traffic]
    if len(idle) + (record.stable is not None) > environment.ready:
        notes.append(f"without traffic: {', '.join(idle)}; `release retire` keeps {environment.ready}")
    return notes


def _history(record: Record) -> list[Release]:
    first = [] if record.champion is None else [record.champion]
    served = (one for one in record.releases if one.served and not one.rejected)
    return [*first, *(one for one in served if one not in (*first, record.candidate))]


def _rows(one: Status) -> list[tuple[str, ...]]:
    """The releases that share the traffic; the stable one first. Escaped: what stands in a file is text, also here."""
    record = one.record
    share = record.percent or 0
    if record.stable is None and record.candidate is not None:
        shares: list[tuple[Release | None, int]] = [(record.candidate, 0)]
    else:
        shares = [(record.stable, 100 - share), *([(record.candidate, share)] if record.candidate else [])]
    rows = [_cells(release, percent, one.proofs) for release, percent in shares]
    firsts = [(record.model, record.environment, state.of(record)), *[("", "", "")] * (len(rows) - 1)]
    return [tuple(map(_plain, (*first, *row))) for first, row in zip(firsts, rows, strict=True)]


def _cells(release: Release | None, share: int, proofs: dict[str, str]) -> tuple[str, ...]:
    if release is None:
        return ("-",) * (len(_HEAD) - _TRAFFIC)
    return (
        f"{share} %",
        release.name,
        commit_message.short(release.digest),
        release.image.rpartition("@sha256:")[2][:12],
        release.since,
        proofs.get(release.name, "-"),
        release.source_commit[:12],
        release.gate,
    )


def _json(release: Release | None) -> dict[str, Any] | None:
    return None if release is None else {"name": release.name} | dataclasses.asdict(release)


def _plain(text: str) -> str:
    return text.encode("unicode_escape").decode()


def uri_of(branch: Callable[[], Branch], text: str) -> str:
    """`text` when it is a URI, else the storageUri of the release of that name; ConfigurationError without one."""
    if "://" in text:
        return text
    there = branch()
    with opened(there) as git:
        here = tip(git, there)
        for folder in folders.all_of(here):
            if (one := folder.read(here)[1].find(text)) is not None:
                return one.uri
    raise ConfigurationError(f"no record names a release {text!r}: see `release status`, or give its URI")


def main(argv: Sequence[str] | None = None) -> None:
    """As `table`, or as `as_json`."""
    line = command_line.parser("status", __doc__)
    line.add_argument("--json", action="store_true", help="the whole records, for programs")
    line.add_argument("--model", help="only this model")
    line.add_argument("--tree", action="store_true", help="of gitops/ here, without asking the remote")
    arguments, here = command_line.parse(line, argv), Checkout.here()
    if arguments.tree:
        environments = read_from(Worktree(here.root), arguments.model)
    else:
        environments = read(here.remote(), arguments.model)
    if arguments.json:
        print(json.dumps(as_json(environments), indent=2))
    else:
        print(table(environments, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
