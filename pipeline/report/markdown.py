"""Markdown as GitHub renders it: tables, folded parts, and text that is never taken for markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_\[\]|~#$@])")


def text(value: object) -> str:
    """`value` as plain text in a line or a cell, whatever characters it has."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(str(value).split()), quote=False))


def code(value: object) -> str:
    """`value` in a fixed-width font; a pipe in it does not end the cell."""
    return f"<code>{text(value)}</code>"


def number(value: float | None, digits: int = 4) -> str:
    """Up to `digits` significant digits; a dash for what is not defined."""
    if value is None:
        return "–"
    shown = f"{value:.{digits}g}"
    return shown.replace("-", "−", 1) if shown.startswith("-") else shown


def signed(value: float | None, digits: int = 3) -> str:
    """As `number`, with its sign."""
    return number(value, digits) if value is None or value <= 0 else f"+{number(value, digits)}"


def interval(low: float | None, high: float | None, sign: bool = False) -> str:
    """`low … high`, on one line."""
    if low is None or high is None:
        return "–"
    shown = signed if sign else number
    return f"{shown(low, 3)} … {shown(high, 3)}".replace(" ", "\u00a0")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: int | None = None) -> list[str]:
    """Lines of a table; columns from number `right` on are aligned to the right. Nothing where there are no rows."""
    listed = list(rows)
    if not listed:
        return []
    edges = ["---:" if right is not None and place >= right else "---" for place in range(len(header))]
    return [_row(header), _row(edges), *map(_row, listed), ""]


def folded(summary: str, lines: Sequence[str]) -> list[str]:
    """`lines` behind one line that opens them; nothing for no lines."""
    return (
        ["<details>", f"<summary>{html.escape(summary, quote=False)}</summary>", "", *lines, "</details>", ""]
        if lines
        else []
    )


def image(title: str, path: str) -> list[str]:
    """A picture at a path beside the page."""
    return [f"![{title}]({path})", ""]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
