"""What Git names for each model and environment, read from the remote: a checkout may be behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from release import commit_message, state
from release.git.branch import Remote, Tip, opened, tip
from release.gitops import environment
from release.gitops.folder import MODELS, Place
from release.gitops.record import Record, Release
from release.gitops.worktree import Tree

_HEAD = ("MODEL", "ENVIRONMENT", "STATE", "TRAFFIC", "DIGEST", "IMAGE", "SINCE", "SOURCE", "DATA", "GATE")
_STATE, _TRAFFIC = _HEAD.index("STATE"), _HEAD.index("TRAFFIC")
_BOLD, _DIM = "1", "2"
_COLOURS = {"stable": "32", "settled": "32", "canary": "33", "rolled-back": "31", "empty": _DIM}


def records(remote: Remote, model: str | None = None) -> list[Record]:
    """The record of each environment of each model (of `model` only, when given), by name."""
    with opened(remote) as git:
        return records_of(tip(git, remote), model)


def records_of(here: Tip | Tree, model: str | None = None) -> list[Record]:
    """The same, of what the branch or the working tree holds."""
    places = [
        Place(name, folder)
        for name in here.folders(MODELS)
        if model in (None, name)
        for folder in here.folders(f"{MODELS}/{name}")
        if here.read(f"{MODELS}/{name}/{folder}/{environment.FILE}") is not None
    ]
    return [place.read(here)[1] for place in places]


def as_json(found: Sequence[Record]) -> list[dict[str, Any]]:
    """The records whole, each with its state and the commands that are possible now."""
    return [dataclasses.asdict(one) | {"state": state.of(one), "possible": state.possible(one)} for one in found]


def table(found: Sequence[Record], colour: bool) -> str:
    """A line for each release that has a share, and one for what is possible next; `colour` for a terminal."""
    blocks = [(one, _rows(one)) for one in found]
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
        lines += [line(row, _COLOURS[state.of(one)], (_STATE, _TRAFFIC)) for row in rows]
        hint = f"  possible now: {', '.join(state.possible(one))}"
        lines.append(f"\x1b[{_DIM}m{hint}\x1b[0m" if colour else hint)
    return "\n".join(lines)


def _rows(one: Record) -> list[tuple[str, ...]]:
    """The releases that share the traffic; the stable one first. Escaped: what stands in a file is text, also here."""
    share = one.percent or 0
    rows = [(one.model, one.environment, state.of(one), *_cells(one.stable, 100 - share))]
    if one.candidate is not None:
        rows.append(("", "", "", *_cells(one.candidate, share)))
    return [tuple(cell.encode("unicode_escape").decode() for cell in row) for row in rows]


def _cells(release: Release | None, share: int) -> tuple[str, ...]:
    if release is None:
        return ("-",) * (len(_HEAD) - _TRAFFIC)
    return (
        f"{share} %",
        commit_message.short(release.digest),
        release.image.rpartition("@sha256:")[2][:12],
        release.since,
        release.source_commit[:12],
        commit_message.short(release.data_digest),
        release.gate,
    )
