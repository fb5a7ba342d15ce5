"""What Git names for each model and environment, read from the remote: a checkout may be behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from release import environment, message, state
from release.place import MODELS, Place
from release.record import Record
from release.remote import Remote, Tip, opened, tip
from release.tree import Tree

_HEAD = ("MODEL", "ENVIRONMENT", "STATE", "DIGEST", "IMAGE", "SINCE", "SOURCE", "DATA", "GATE", "POSSIBLE NOW")
_COLOURS = {"stable": "32", "canary": "33", "empty": "2"}


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
    """The records as aligned columns; `colour` marks the state for a terminal."""
    rows = [_HEAD, *(_row(one) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        if colour:
            mark = "1" if number == 0 else _COLOURS[row[2]]
            cells[2] = f"\x1b[{mark}m{cells[2]}\x1b[0m"
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(one: Record) -> tuple[str, ...]:
    stable = one.stable
    served = (
        ("-",) * 6
        if stable is None
        else (
            message.short(stable.digest),
            stable.image.rpartition("@sha256:")[2][:12],
            stable.since,
            stable.source_commit[:12],
            message.short(stable.data_digest),
            stable.gate,
        )
    )
    # Escaped: what stands in a file is text, also to the terminal.
    return tuple(
        cell.encode("unicode_escape").decode()
        for cell in (one.model, one.environment, state.of(one), *served, ", ".join(state.possible(one)))
    )
