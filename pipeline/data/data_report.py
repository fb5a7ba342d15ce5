"""What prepare found in the data, for a program (reports/data.json) and for a person (reports/data.md)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from artifact import text_file
from artifact.quantity import quantity
from pipeline.data.conversion import Violation
from pipeline.data.drift import Change, in_words
from pipeline.data.leakage import Leak
from pipeline.shared import json_file, markdown, paths

SCHEMA_VERSION = 1
_MARKS = {"ok": "ok", "warn": "**changed**", "refuse": "**refused**"}


@dataclass
class DataReport:
    """Filled as prepare goes on, written however it ends; it holds what follows from data and settings, no time."""

    data: str
    rows: int | None = None
    parts: dict[str, int] = field(default_factory=dict)
    repeated: int | None = None  # rows whose features another row has, too
    division: str = ""  # how many rows each part has, in words
    not_used: dict[str, int] = field(default_factory=dict)  # reason → rows that were left out before anything else
    twins_apart: bool = False  # whether such rows may stand on both sides
    newest: str | None = None
    violations: Sequence[Violation] = ()
    leaks: Sequence[Leak] = ()
    champion: str | None = None
    changes: Sequence[Change] = ()
    problem: str | None = None

    def write(self) -> None:
        """Write both files, each whole or not at all."""
        json_file.write(paths.DATA, self._values())
        text_file.write(paths.DATA_TEXT, self._text())

    def _values(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "data": self.data,
            "passed": self.problem is None,
            "problem": self.problem,
            "rows": {"all": self.rows, **self.parts},
            "not_used": self.not_used,
            "repeated": self.repeated,
            "twins": "apart" if self.twins_apart else "together",
            "newest": self.newest,
            "violations": [_violation(violation) for violation in self.violations],
            "leakage": [
                {"check": leak.check, "allowed": leak.allowed, **_violation(leak.violation)} for leak in self.leaks
            ],
            "drift": None
            if self.champion is None
            else {"champion": self.champion, "features": [dataclasses.asdict(change) for change in self.changes]},
        }

    def _text(self) -> str:
        lines = [f"# Data: {self.data}", "", f"**Refused:** {self.problem}" if self.problem else "**Fits.**", ""]
        if self.rows is not None:
            sizes = ", ".join(f"{count} {part.replace('_', ' ')}" for part, count in self.parts.items())
            lines.append(f"- {quantity(self.rows, 'row')}" + (f": {sizes}" if sizes else ""))
        if self.repeated is not None:
            sides = "are split one by one, because so few combinations" if self.twins_apart else "stay on one side"
            lines.append(f"- {self.repeated} rows repeat the features of another row; such rows {sides}")
        lines += [f"- left out: {quantity(count, 'row')} {reason}" for reason, count in self.not_used.items()]
        if self.newest is not None:
            lines.append(f"- newest row: {self.newest}")
        lines += _table(
            "Contract", ("column", "rule", "rows", "first"), [_row(violation) for violation in self.violations]
        )
        leaks = [(*_row(leak.violation), "yes" if leak.allowed else "no") for leak in self.leaks]
        lines += _table("Leakage", ("column", "check", "rows", "first", "allowed"), leaks)
        lines += ["", "## Change since the champion", ""]
        if self.champion is None:
            lines.append("There is no champion to compare with." if not self.problem else "Not looked at.")
        else:
            changed = [change for change in self.changes if change.state != "ok"]
            of_all = f"{len(changed)} of {len(self.changes)} features changed"
            lines.append(f"Against what `{self.champion[:19]}…` was trained on: {of_all}.")
            rows = [
                (markdown.text(change.column), markdown.text(in_words(change)), _MARKS[change.state])
                for change in self.changes
            ]
            lines += _table(None, ("feature", "difference", ""), rows)
        return "\n".join(lines) + "\n"


def _violation(violation: Violation) -> dict[str, Any]:
    return {
        "column": violation.column,
        "rule": violation.rule,
        "count": violation.count,
        "rows": list(violation.rows),
        "value": violation.value_text if violation.count else None,
    }


def _row(violation: Violation) -> tuple[str, ...]:
    first = ", ".join(map(str, violation.rows)) + (f": {violation.value_text}" if violation.count else "")
    return tuple(map(markdown.text, (violation.column, violation.rule, violation.count or "", first)))


def _table(title: str | None, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    # A value of the data must not become Markdown or HTML of the page.
    lines = markdown.table(header, rows)
    return [*(["", f"## {title}"] if title else []), "", *lines[:-1]]
