"""Arguments that several commands have, and their types: argparse ends with 2 and names a wrong one, with its value."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path


def positive(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if not value > 0:
        raise ArgumentTypeError(f"{text} is not above 0")
    return value


def whole(text: str) -> int:
    """A whole number above 0."""
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is no whole number above 0")
    return int(text)


def share(text: str) -> float:
    """From 0 to 1."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def page(text: str) -> Path:
    """A file that can be written. It is looked at before anything is asked, decided or pushed."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        problem = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise ArgumentTypeError(f"{text} cannot be written, {problem}: name a file in a folder that is there")
    return path


def add_windows(line: ArgumentParser, seconds: float, rows: int) -> None:
    """Options of a command that judges drift by windows of `seconds` and at least `rows`."""
    line.add_argument("--window", type=positive, default=seconds, metavar="SECONDS", help="whole weeks (%(default)s)")
    line.add_argument("--least", type=whole, default=rows, metavar="ROWS", help="of a window (%(default)s)")
    line.add_argument("--page", type=page, metavar="FILE", help="write one HTML page")
    line.add_argument("--json", action="store_true", help="for programs")


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArgumentTypeError(f"{text} is no number")
    return value
