"""What the report writes in Markdown besides tables: numbers, code, folded parts and pictures."""

from __future__ import annotations

import html
from collections.abc import Sequence

from pipeline.shared.markdown import text


def code(value: object) -> str:
    """`value` in a fixed-width font; a pipe in it does not end the cell."""
    return f"<code>{text(value)}</code>"


def number(value: float | None, digits: int = 4) -> str:
    """Up to `digits` significant digits; a dash for what is not defined."""
    if value is None:
        return "–"
    result = f"{value:.{digits}g}"
    return result.replace("-", "−", 1) if result.startswith("-") else result


def signed(value: float | None, digits: int = 3) -> str:
    """As `number`, with its sign."""
    return number(value, digits) if value is None or value <= 0 else f"+{number(value, digits)}"


def interval(low: float | None, high: float | None, sign: bool = False) -> str:
    """`low … high`, on one line."""
    if low is None or high is None:
        return "–"
    render = signed if sign else number
    return f"{render(low, 3)} … {render(high, 3)}".replace(" ", "\u00a0")


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
