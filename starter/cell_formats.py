"""Which format the texts of a column have in common: numbers with a unit or marks between thousands, or dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

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
_CURRENCIES = frozenset(
    "AUD BRL CAD CHF CNY CZK DKK EUR Fr Fr. GBP HKD HUF INR JPY KRW MXN NOK NZD PLN Rs Rs. SEK SGD TRY USD ZAR"
    " kr".split()
)  # the only letters that stand before a number and are no part of a code, such as A12 or SKU 78
_JOINTS = ("-", "_", "/", "#", ":")  # begin or end a part of a code
_DATES = (
    "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%m/%d/%y", "%d.%m.%y", "%d-%b-%Y", "%d %b %Y",
    "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y-%m", "%m/%Y", "%m.%Y",
)  # fmt: skip
_ISO = "%Y-%m-%d"
_TRUE = ("true", "1", "yes", "y", "t", "on", "ja", "j", "wahr", "oui", "si", "sí")
_FALSE = ("false", "0", "no", "n", "f", "off", "nein", "falsch", "non")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


@dataclass(frozen=True)
class Words:
    """The different texts of a column, and how many rows hold each of them, [texts]."""

    texts: Sequence[str]
    counts: np.ndarray


@dataclass(frozen=True)
class Guess:
    """`format` reads all but `others` of the `rows`, the first of which holds `other`; `kind` numbers or dates.

    `instead` reads as many cells, as other numbers.
    """

    kind: str
    format: Format
    rows: int
    others: int
    other: str | None
    instead: Format | None = None

    @property
    def sentence(self) -> str:
        """What was seen, for a person."""
        count = f"{self.rows - self.others} of {self.rows} cells" if self.others else "all cells"
        if self.kind == "dates":
            return f"{count} are dates written {self.dates}"
        marks = [repr(mark) for mark in (self.format.unit, self.format.thousands) if mark is not None]
        words = [f"{' and '.join(marks)} {'is' if len(marks) == 1 else 'are'} removed"] if marks else []
        words += [f"{self.format.decimal!r} is read as the decimal point"] if self.format.decimal != "." else []
        return f"{count} are numbers" + (f" once {' and '.join(words)}" if words else "")

    @property
    def dates(self) -> str:
        """The formats of its dates."""
        return " or ".join(self.format.date or ())


def numbers(words: Words) -> Guess | None:
    """The format of numbers that most cells are in."""
    best: Guess | None = None
    for candidate in _of_numbers(words.texts):
        read = formats.numbers(pa.chunked_array([pa.array(words.texts, pa.string())]), candidate)
        guess = _guess("numbers", candidate, words, np.asarray(read.is_null().to_numpy()))
        if guess is not None and (best is None or guess.others < best.others):
            best = guess
        elif guess is not None and best is not None and guess.others == best.others:
            # 1,234 has a thousand, or three decimals.
            other_way = guess.format.decimal == best.format.thousands and best.instead is None
            best = replace(best, instead=guess.format) if other_way else best
    return best


def thousands_instead(texts: Collection[str]) -> bool:
    """Whether each point of numbers in `texts` could stand between thousands, as in 1.234, and one is there."""
    pointed = [text for text in texts if "." in text]
    return bool(pointed) and all(re.fullmatch(r"[+-]?[1-9]\d{0,2}\.\d{3}", text) for text in pointed)


def dates(words: Words) -> list[Guess]:
    """The formats of dates that most cells are in, with or without ISO 8601 beside them: more than one where day and
    month could be either."""
    if not any(re.search(r"\d", text) for text in words.texts[:20]):
        return []
    guesses = _of_dates(words, [(day + time,) for time in _TIMES for day in (_ISO, *_DATES)])
    if not guesses or guesses[0].others:
        mixed = _of_dates(words, [(_ISO + time, day + time) for time in _TIMES for day in _DATES])
        if mixed and (not guesses or mixed[0].others < guesses[0].others):
            return mixed
    return guesses


def _of_dates(words: Words, candidates: Sequence[tuple[str, ...]]) -> list[Guess]:
    every = np.array(words.texts, dtype=object)
    guesses = []
    for candidate in candidates:
        if np.mean(absent(formats.dates(every[:_FIRST], candidate))) > 1 - _MOST:
            continue
        guess = _guess("dates", Format(date=candidate), words, absent(formats.dates(every, candidate)))
        guesses += [guess] if guess is not None else []
    fewest = min((guess.others for guess in guesses), default=0)
    return [guess for guess in guesses if guess.others == fewest]


def booleans(words: Collection[str]) -> Format | None:
    """The format of a column whose `words` say true and false in several ways, such as 1, ja and nein."""
    spelled = {word.lower() for word in words}
    if not (spelled & set(_TRUE) and spelled & set(_FALSE)) or spelled - set(_TRUE) - set(_FALSE):
        return None
    if len(set(words)) <= 2:  # one word each: two labels as any others
        return None
    others = sorted(spelled - set(formats.BOOLEANS))
    return Format(booleans={word: word in _TRUE for word in others}) if others else Format()


def differ_by_case(words: Collection[str]) -> tuple[str, str] | None:
    """Two texts of `words` that differ by upper and lower case and in nothing else."""
    return _alike(words, str.lower)


def differ_by_spaces(words: Collection[str]) -> tuple[str, str] | None:
    """Two texts of `words` that differ by spaces around them and in nothing else."""
    return _alike(words, str.strip)


def _alike(words: Collection[str], of: Callable[[str], str]) -> tuple[str, str] | None:
    first: dict[str, str] = {}
    for word in sorted(words):
        if of(word) in first:
            return first[of(word)], word
        first[of(word)] = word
    return None


def _of_numbers(words: Sequence[str]) -> Iterator[Format]:
    words = [word[1:-1] if word.startswith("(") and word.endswith(")") else word for word in words]
    unit, cells = _unit(words), "\n".join(words[:_FIRST]).replace("\u00a0", " ").replace("\u202f", " ")
    # 1,234 is a thousand and more where every comma has three digits behind it: the pairs stand in this order.
    for thousands, decimal in _MARKS:
        if thousands is not None and not re.search(rf"\d{re.escape(thousands)}\d", cells):
            continue
        if decimal == "," and thousands != "." and not re.search(r",\d", cells):
            continue
        declared = {"thousands": thousands, "unit": unit, "decimal": None if decimal == "." else decimal}
        yield Format.model_validate(declared)


def _unit(words: Sequence[str]) -> str | None:
    """What stands beside the digits of most words, if it is always the same and no part of a code, such as A12."""
    beside: dict[tuple[str, str], int] = {}
    for word in words[:_FIRST]:
        match = _UNIT.fullmatch(word)
        if match is not None:
            key = match["before"], match["after"]
            beside[key] = beside.get(key, 0) + 1
    if not beside:
        return None
    (before, after), times = max(beside.items(), key=lambda item: item[1])
    if times < _MOST * len(words[:_FIRST]) or (before and after):
        return None
    if before.isalpha() and before not in _CURRENCIES:
        return None
    if before.endswith(_JOINTS) or after.startswith(_JOINTS) or len(before) > 4:
        return None
    return before or after or None


def _guess(kind: str, format: Format, words: Words, wrong: np.ndarray) -> Guess | None:
    rows, others = int(words.counts.sum()), int(words.counts[wrong].sum())
    if others > (1 - _MOST) * rows:
        return None
    return Guess(kind, format, rows, others, words.texts[int(np.argmax(wrong))] if others else None)
