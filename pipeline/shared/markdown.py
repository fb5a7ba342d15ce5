"""A Markdown table as GitHub renders it, and text that is never taken for markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_\[\]|~#$@])")


def text(value: object) -> str:
    """`value` as plain text in a line or a cell, whatever characters it has."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(str(value).split()), quote=False))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: int | None = None) -> list[str]:
    """Lines of a table and an empty one; nothing where there are no rows.

    The columns from number `right` on are aligned to the right. Cells stand as they are: `text` makes them safe.
    """
    lines = list(map(_row, rows))
    if not lines:
        return []
    edges = ["---:" if right is not None and column >= right else "---" for column in range(len(header))]
    return [_row(header), _row(edges), *lines, ""]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
