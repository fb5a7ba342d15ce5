"""A value that somebody sent, as a message shows it: the beginning of its `repr`, whatever its size and depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def excerpt(value: Any, longest: int) -> str:
    """`repr(value)`, cut behind `longest` characters. Nothing behind them is written, not even for a moment."""
    text = ""
    for piece in _pieces(value, longest):
        text += piece
        if len(text) > longest:
            return text[:longest] + "…"
    return text


def _pieces(value: Any, longest: int) -> Iterator[str]:
    if isinstance(value, str):
        yield _quoted(value, longest)
    elif isinstance(value, bytes):
        yield repr(value[: longest + 1])
    elif isinstance(value, list | tuple):
        yield "[" if isinstance(value, list) else "("
        for place, item in enumerate(value):
            if place:
                yield ", "
            yield from _pieces(item, longest)
        yield "]" if isinstance(value, list) else ")"
    elif isinstance(value, dict):
        yield "{"
        for place, (key, item) in enumerate(value.items()):
            yield (", " if place else "") + _quoted(str(key), longest) + ": "
            yield from _pieces(item, longest)
        yield "}"
    elif isinstance(value, bool | int | float | complex | type(None)):
        yield repr(value)
    else:  # of an object, `repr` may write all that it holds
        yield f"a {type(value).__qualname__}"


def _quoted(text: str, longest: int) -> str:
    """More than `longest` characters of `repr(text)`, or all of it."""
    end = longest + 1
    # Which quote `repr` writes first depends on the quotes in the whole text.
    return repr(text[:end] + "".join(quote for quote in "'\"" if text.find(quote, end) >= 0))
