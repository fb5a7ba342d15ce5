"""Places in long work where it may be given up: its caller has left, or it has taken too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ask: ContextVar[Callable[[], None] | None] = ContextVar("ask", default=None)


def check() -> None:
    """Raise what ends the work of this thread, if something does. Cheap enough for every column, or 10,000 values."""
    if (ask := _ask.get()) is not None:
        ask()


@contextmanager
def asking(ask: Callable[[], None]) -> Iterator[None]:
    """Within this, in this thread, `check` calls `ask`, which raises where the work has to end."""
    before = _ask.set(ask)
    try:
        yield
    finally:
        _ask.reset(before)
