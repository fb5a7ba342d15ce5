"""Which format the texts of a column have in common: numbers with a unit or marks between thousands, or dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.data import formats
from pipeline.data.conversion import absent
from pipeline.params.cells import Format

_MOST = 0.9  # of the rows: a format that fewer are in is none of the column
_FIRST = 1000  # distinct texts that a format is looked for in, before all are read in it
# Marks of thousands and decimals, as they are written somewhere.
_MARKS = ((None, "."), (",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), (None, ","))
_UNIT = re.compile(r"[+-]?(?P<before>[^\d\s.,+-]*)\s*[+-]?\d[\d.,'\s\u00a0\u202f]*(?P<after>[^\d\s.,]{0,6})")
_LETTERS = re.compile(r"[A-Za-z]")
_DATES = (
    "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%m/%d/%y", "%d.%m.%y", "%d-%b-%Y", "%d %b %Y",
    "%b %d, %Y", "%d %B %Y", "%B %d, %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


@dataclass(frozen=True)
class Words:
    """The different texts of a column, and how many rows hold each of them, [texts]."""

    texts: Sequence[str]
    counts: np.ndarray


@dataclass(frozen=True)
class Guess:
    """`format` reads all but `others` of the `rows`, the first of which holds `other`; `kind` numbers or dates."""

    kind: str
    format: Format
    rows: int
    others: int
    other: str | None

    @property
    def sentence(self) -> str:
        """What was seen, for a person."""
        count = f"{self.rows - self.others} of {self.rows} cells" if self.others else "all cells"
        if self.kind == "dates":
            return f"{count} are dates written {self.format.date}"
        marks = [repr(mark) for mark in (self.format.unit, self.format.thousands) if mark is not None]
        words = [f"{' and '.join(marks)} is removed"] if marks else []
        words += [f"{self.format.decimal!r} is read as the decimal point"] if self.format.decimal != "." else []
        return f"{count} are numbers" + (f" once {' and '.join(words)}" if words else "")


def numbers(words: Words) -> Guess | None:
    """The format of numbers that most cells are in."""
    best: Guess | None = None
    for candidate in _of_numbers(words.texts):
        read = formats.numbers(pa.chunked_array([pa.array(words.texts, pa.string())]), candidate)
        guess = _guess("numbers", candidate, words, np.asarray(read.is_null().to_numpy()))
        if guess is not None and (best is None or guess.others < best.others):
            best = guess
    return best


def dates(words: Words) -> list[Guess]:
    """The formats of dates that most cells are in: more than one where day and month could be either."""
    if not any(re.search(r"\d", text) for text in words.texts[:20]):
        return []
    every = np.array(words.texts, dtype=object)
    guesses = []
    for text in (day + time for time in _TIMES for day in _DATES):
        if np.mean(absent(formats.dates(every[:_FIRST], text))) > 1 - _MOST:
            continue
        guess = _guess("dates", Format(date=text), words, absent(formats.dates(every, text)))
        guesses += [guess] if guess is not None else []
    fewest = min((guess.others for guess in guesses), default=0)
    return [guess for guess in guesses if guess.others == fewest]


def differ_by_spaces(words: Collection[str]) -> tuple[str, str] | None:
    """Two texts of `words` that differ by spaces around them and in nothing else."""
    bare: dict[str, str] = {}
    for word in sorted(words):
        if word.strip() in bare:
            return bare[word.strip()], word
        bare[word.strip()] = word
    return None


def _of_numbers(words: Sequence[str]) -> Iterator[Format]:
    unit, letters = _unit(words), "".join(words[:_FIRST])
    # 1,234 is a thousand and more where every comma has three digits behind it: the pairs stand in this order.
    for thousands, decimal in _MARKS:
        if (thousands or "0") not in letters.replace("\u00a0", " ").replace("\u202f", " ") + "0":
            continue
        declared = {"thousands": thousands, "unit": unit, "decimal": None if decimal == "." else decimal}
        yield Format.model_validate(declared)


def _unit(words: Sequence[str]) -> str | None:
    """What stands beside the digits of most words, if it is always the same and no letter of a code, such as A12."""
    beside: dict[tuple[str, str], int] = {}
    for word in words[:_FIRST]:
        match = _UNIT.fullmatch(word)
        if match is not None:
            key = match["before"], match["after"]
            beside[key] = beside.get(key, 0) + 1
    if not beside:
        return None
    (before, after), times = max(beside.items(), key=lambda item: item[1])
    if times < _MOST * len(words[:_FIRST]) or (before and after) or len(before) > 4:
        return None
    if len(before) == 1 and _LETTERS.match(before):
        return None
    return before or after or None


def _guess(kind: str, format: Format, words: Words, wrong: np.ndarray) -> Guess | None:
    rows, others = int(words.counts.sum()), int(words.counts[wrong].sum())
    if others > (1 - _MOST) * rows:
        return None
    return Guess(kind, format, rows, others, words.texts[int(np.argmax(wrong))] if others else None)
