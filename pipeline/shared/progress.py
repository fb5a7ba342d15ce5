"""Shows how far a long command has come: a bar on a terminal, else a line every ten seconds."""

from __future__ import annotations

import sys
import time
from typing import Any, Self

_SECONDS = 10.0


class Progress:
    """Counts `unit`s up to `total` (None: nobody knows), beginning at `done`."""

    def __init__(self, unit: str, total: int | None, done: int = 0) -> None:
        self._unit, self._total, self._done = unit, total, done
        self._last_report = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self._total, initial=self._done, unit=f" {self._unit}", unit_scale=True)
        return self

    def add(self, count: int) -> None:
        """`count` more are done."""
        self._done += count
        if self._bar is not None:
            self._bar.update(count)
        elif time.monotonic() - self._last_report > _SECONDS:
            self._last_report = time.monotonic()
            of = "" if self._total is None else f" of {self._total:,}"
            print(f"{self._done:,}{of} {self._unit}", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
