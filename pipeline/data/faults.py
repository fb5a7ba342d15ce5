"""What makes a CSV or Parquet file unreadable, in the words of people: for the table to train on, and the one to score.

`name` is how the message calls the file: a path, or a URL.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO

from artifact.errors import DataContractError
from artifact.quantity import quantity
from pipeline.data import kinds
from pipeline.data.quotes import Quotes

BLOCK = 4 << 20  # bytes of a CSV that are parsed at a time, so that no row may be longer
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+): (.*)")
_SEPARATORS = (";", "\t", "|")


@dataclass(frozen=True)
class Header:
    """The first line of a CSV: the names of its columns, and what separates them."""

    names: list[str]
    separator: str


def header(name: object, raw: BinaryIO, separator: str | None = None) -> Header:
    """The header of the CSV at the beginning of `raw`; DataContractError (40) where there is none.

    Without a `separator` it is the comma, or, where no comma stands in the line, the one of others that does.
    """
    text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
    try:
        names = next(csv.reader(text, delimiter=separator or ","), [])
        if separator is None and len(names) == 1:
            other = next((mark for mark in _SEPARATORS if mark in names[0]), None)
            if other is not None and not names[0].startswith("#"):
                text.detach()
                raw.seek(0)
                return header(name, raw, other)
    except (UnicodeDecodeError, csv.Error) as error:
        raise unreadable(name, error) from error
    finally:
        with contextlib.suppress(ValueError):  # detached already
            text.detach()  # whoever opened `raw` closes it
    if not names:
        raise DataContractError(f"{name} is empty; a table begins with a line of column names")
    if names[0].startswith("#") and len(names) == 1:
        raise DataContractError(
            f"{name} begins with the comment {names[0]!r:.80}; a table begins with a line of column names: remove that "
            "line, as with `sed -i 1d`"
        )
    return Header(once(name, names), separator or ",")


def once(name: object, names: list[str]) -> list[str]:
    """`names`, no two of which are equal; DataContractError (40) otherwise."""
    for column, times in Counter(names).items():
        if times > 1:
            raise DataContractError(f"{name} has the column {column!r} {times} times; rename all but one")
    return names


class Bytes:
    """Looks at a CSV piece by piece for what the reader itself lets through."""

    def __init__(self, name: object) -> None:
        self._name = name
        self._length = 0
        self._quotes = Quotes(name)

    def add(self, piece: bytes) -> None:
        """DataContractError (40) for a NUL byte, and for what `Quotes.add` refuses."""
        nul = piece.find(b"\0")
        if nul >= 0:
            raise DataContractError(
                f"{self._name} holds a NUL byte at offset {self._length + nul}, which no text has: it is cut off, "
                "overwritten or no CSV; write it again"
            )
        self._length += len(piece)
        self._quotes.add(piece)

    def end(self) -> None:
        """DataContractError (40) for a quote that is never closed."""
        self._quotes.end()


def unreadable(name: object, error: Exception) -> DataContractError:
    """The error for bytes of which pyarrow, or Python's csv, says `error`."""
    problem = " ".join(str(error).split())
    if isinstance(error, csv.Error):
        return DataContractError(f"{name}: its header is no line of a CSV: {problem}; write it again")
    if "utf8" in problem.lower() or "utf-8" in problem.lower():
        command = kinds.reading("iconv -f LATIN1 -t UTF-8", name)
        return DataContractError(f"{name} is not UTF-8; convert it, from Latin-1 for example: {command} > utf8.csv")
    if "straddling" in problem:
        return DataContractError(
            f"{name} has a row of more than {BLOCK} bytes: a quote is closed too late; close it, or keep such a "
            "value in a file of its own"
        )
    ragged = _RAGGED.search(problem)
    if ragged is not None:
        row = "a row" if ragged[1] is None else f"row {int(ragged[1]) - 1}"  # numbered with the header
        return DataContractError(
            f"{name}: {row} has {quantity(int(ragged[3]), 'cell')}, the header {ragged[2]}: {ragged[4][:80]}; "
            "write it again, every row with every column"
        )
    kind = kinds.ending(str(name)).removeprefix(".") or "a table"
    return DataContractError(f"{name} cannot be read as {kind}: {problem[:300]}; write it again")
