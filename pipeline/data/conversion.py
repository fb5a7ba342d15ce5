"""One column of a table as the dtype its schema declares, without loss; what does not convert, with its rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artifact import moment
from artifact.quantity import quantity
from artifact.signature import TIMES, Feature
from pipeline.data import formats
from pipeline.data.table import Table
from pipeline.params.cells import Cells, Format
from pipeline.shared.texts import texts

_EXACT = 2**53
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_WHOLE = r"^[+-]?[0-9]+(\.0*)?$"  # 16.0 is the whole number 16, as it is in a request
ROWS = 3  # named of each violation


@dataclass(frozen=True)
class Violation:
    """A rule that rows of a column break.

    `rows` names the first of them as `Table.label` does; `places` are the indexes of all of them in their chunk.
    """

    column: str
    rule: str
    count: int
    rows: tuple[int | str, ...]
    value: Any
    places: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64), compare=False, repr=False)

    @classmethod
    def of(cls, column: str, rule: str, wrong: np.ndarray, values: Any) -> Self | None:
        """The violation of the rows where `wrong` ([rows], bool) holds, counted from 1; None where there are none."""
        places = np.flatnonzero(wrong)
        if len(places) == 0:
            return None
        first = values[int(places[0])]
        value = (
            first.as_py() if isinstance(first, pa.Scalar) else first.item() if isinstance(first, np.generic) else first
        )
        return cls(column, rule, len(places), tuple(int(place) + 1 for place in places[:ROWS]), value, places)

    def of_table(self, table: Table) -> Self:
        """The same, its rows numbered as in the file that the chunk `table` comes from; without its places."""
        rows = tuple(table.label(int(place)) for place in self.places[:ROWS])
        return replace(self, rows=rows, places=self.places[:0])

    def and_then(self, later: Self) -> Self:
        """This one and the same of a later chunk."""
        return replace(self, count=self.count + later.count, rows=(*self.rows, *later.rows)[:ROWS])

    def is_marker(self, words: Collection[str]) -> bool:
        """Whether what did not convert is one of `words`, in any case."""
        return self.rule.startswith("dtype") and isinstance(self.value, str) and self.value.strip().lower() in words

    def __str__(self) -> str:
        if self.count == 0:
            return f"{self.column!r}: {self.rule}"
        rows = ", ".join(map(str, self.rows)) + (", …" if self.count > len(self.rows) else "")
        amount = quantity(self.count, "row")
        return f"{self.column!r}: {self.rule}: {amount} ({rows}), the first holds {self.value_text}"

    @property
    def value_text(self) -> str:
        """The first value, for a message."""
        return "a missing value" if self.value is None or self.value != self.value else repr(self.value)[:60]


def absent(values: np.ndarray) -> np.ndarray:
    """Which of `values` are missing, [rows]: a number that is NaN, an object that is None."""
    if values.dtype == object:
        return np.fromiter((value is None for value in values.tolist()), dtype=bool, count=len(values))
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)


def text(feature: Feature, column: pa.ChunkedArray, cells: Cells) -> tuple[np.ndarray, list[Violation]]:
    """The cells of a CSV as float64, int64, or objects (bool, text, None), [rows], and what did not convert.

    An empty cell is missing, and so is a text of `cells.missing` in a column of numbers or booleans; in a column of
    text every text is a value, NA and null among them. A format that `cells` has for the column is obeyed.
    """
    format = cells.formats.get(feature.name)
    if feature.dtype == "string":
        return _texts(feature, column, format)
    trimmed = pc.utf8_trim_whitespace(column)
    empty = pc.is_in(trimmed, value_set=pa.array(["", *cells.missing]))
    trimmed = pc.if_else(empty, pa.scalar(None, pa.string()), trimmed)
    match feature.dtype:
        case "float64":
            return _numbers(feature, column, trimmed, _NUMBER, "dtype: float64", format)
        case "int64":
            return _numbers(feature, column, trimmed, _WHOLE, "dtype: int64", format)
        case "datetime" | "date":
            return _moments(feature, column, trimmed, format)
        case _:
            return _booleans(feature, column, trimmed, format)


def typed(feature: Feature, column: pa.ChunkedArray, cells: Cells) -> tuple[np.ndarray, list[Violation]]:
    """A column of a Parquet file, converted as `text` converts: numbers to wider numbers, whole numbers to int64, 0 and
    1 to bool, dates and times to ISO 8601 text; text only where `cells` has a format for it."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    rows = len(column)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if pa.types.is_null(kind):
        return text(feature, pa.chunked_array([pa.nulls(rows, pa.string())]), Cells())
    words = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if words and feature.name in cells.formats:
        return text(feature, column.cast(pa.string()), cells)
    if feature.dtype in TIMES:
        return _times(feature, column, cells)
    if feature.dtype == "string":
        fits = words or pa.types.is_temporal(kind)
    else:
        fits = number or (pa.types.is_boolean(kind) and feature.dtype == "bool")
    if not fits:
        rule = f"dtype: {feature.dtype}, the file has {kind}"
        wrong = Violation.of(feature.name, rule, np.ones(rows, dtype=bool), column)
        return np.full(rows, None, dtype=object), [wrong] if wrong else []
    if feature.dtype == "string":
        return _objects(_iso(column) if pa.types.is_temporal(kind) else column), []
    if pa.types.is_boolean(kind):
        return _objects(column), []
    return _from_numbers(feature, column)


def _texts(feature: Feature, column: pa.ChunkedArray, format: Format | None) -> tuple[np.ndarray, list[Violation]]:
    if format is None:
        return _objects(column), []
    column = pc.utf8_trim_whitespace(column) if format.strip or format.date else column
    values = _objects(pc.utf8_lower(column) if format.lower else column)
    if format.date is None:
        return values, []
    values[values == ""] = None
    iso = formats.dates(values, format.date)
    rule = f"dtype: {feature.dtype}, dates written as {' or '.join(format.date)}"
    wrong = Violation.of(feature.name, rule, absent(iso) & ~absent(values), column)
    return iso, [wrong] if wrong else []


def _moments(
    feature: Feature, column: pa.ChunkedArray, cells: pa.ChunkedArray, format: Format | None
) -> tuple[np.ndarray, list[Violation]]:
    """Seconds since 1970 UTC of dates and times, by the rules of a request: NaN where missing."""
    distinct, places = np.unique(np.array([cell or "" for cell in cells.to_pylist()]), return_inverse=True)
    iso = distinct.astype(object)
    if format is not None and format.date is not None:
        iso = formats.dates(iso, format.date)
    values = np.full(len(distinct), np.nan)
    problems: dict[int, str] = {}
    for place, (cell, day) in enumerate(zip(distinct.tolist(), iso.tolist(), strict=True)):
        try:
            values[place] = np.nan if not cell else moment.seconds(day or cell, feature.dtype, feature.zone)
        except ValueError as error:
            problems[place] = str(error)
    wrong = np.isin(places, list(problems))
    rule = f"dtype: {feature.dtype}, {next(iter(problems.values()), '')}"
    violation = Violation.of(feature.name, rule, wrong, column)
    return values[places], [violation] if violation else []


def _times(feature: Feature, column: pa.ChunkedArray, cells: Cells) -> tuple[np.ndarray, list[Violation]]:
    """Dates and times of a typed file; a timestamp without a zone is of the zone of the feature, or refused."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return text(feature, column.cast(pa.string()), cells)
    fits = pa.types.is_date(kind) if feature.dtype == "date" else pa.types.is_timestamp(kind)
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    if not fits or (feature.dtype == "datetime" and zone is None and feature.zone is None):
        problem = f"the file has {kind}" + ("" if not fits else " without a zone, and the schema names none")
        wrong = Violation.of(feature.name, f"dtype: {feature.dtype}, {problem}", np.ones(len(column), bool), column)
        return np.full(len(column), np.nan), [wrong] if wrong else []
    if feature.dtype == "datetime" and zone is None:
        column = pc.assume_timezone(column.cast(pa.timestamp("us")), feature.zone, ambiguous="earliest")
    micros = column.cast(pa.timestamp("us", None if feature.dtype == "date" else "UTC")).cast(pa.int64())
    return np.asarray(pc.divide(micros.cast(pa.float64(), safe=False), 1e6).fill_null(float("nan")).to_numpy()), []


def _objects(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return texts(column)
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_pylist()
    return values


def _iso(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = [None if value is None else value.isoformat() for value in column.to_pylist()]
    return pa.chunked_array([pa.array(values, pa.string())])


def _numbers(
    feature: Feature,
    column: pa.ChunkedArray,
    cells: pa.ChunkedArray,
    pattern: str,
    rule: str,
    format: Format | None,
) -> tuple[np.ndarray, list[Violation]]:
    valid = pc.is_null(cells).to_numpy()
    if format is not None:
        cells = formats.numbers(cells, format)
        rule += "".join(f", {key} {value!r}" for key, value in format.to_dict().items())
    valid |= pc.fill_null(pc.match_substring_regex(cells, pattern), False).to_numpy()
    cells = pc.if_else(pa.array(valid), cells, pa.scalar(None, pa.string()))
    cells = pc.replace_substring_regex(cells, r"^\+", "")
    if pattern == _WHOLE:
        cells = pc.replace_substring_regex(cells, r"\..*$", "")
    whole = feature.dtype == "int64"
    fits = np.ones(len(cells), dtype=bool)
    if not whole:
        numbers = cells.cast(pa.float64())
    else:
        try:
            numbers = cells.cast(pa.int64())
        except pa.ArrowInvalid:  # beyond 64 bits: found one by one
            numbers, fits = _one_by_one(cells)
    values = _float_or_int(numbers, whole)
    violations = [
        Violation.of(feature.name, rule, ~valid, column),
        Violation.of(feature.name, f"{rule}: too large", ~fits if whole else np.isinf(values), column),
    ]
    if not whole:
        rounded = pc.fill_null(pc.match_substring_regex(cells, _WHOLE), False).to_numpy() & (np.abs(values) >= _EXACT)
        for row in np.flatnonzero(rounded):
            rounded[row] = abs(int(cells[int(row)].as_py().partition(".")[0])) > _EXACT
        violations.append(
            Violation.of(feature.name, f"{rule} holds whole numbers exactly up to 2^53 only", rounded, column)
        )
    return values, [violation for violation in violations if violation is not None]


def _one_by_one(cells: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    numbers = [None if cell is None else int(cell) for cell in cells.to_pylist()]
    fits = np.array([number is None or -(2**63) <= number < 2**63 for number in numbers])
    return pa.array([number if fit else None for number, fit in zip(numbers, fits, strict=True)], pa.int64()), fits


def _float_or_int(numbers: Any, whole: bool) -> np.ndarray:
    if whole and numbers.null_count:
        return _objects(numbers)
    combined = numbers.combine_chunks() if isinstance(numbers, pa.ChunkedArray) else numbers
    return np.asarray(combined.to_numpy(zero_copy_only=False), dtype=np.int64 if whole else np.float64)


def _booleans(
    feature: Feature, column: pa.ChunkedArray, cells: pa.ChunkedArray, format: Format | None
) -> tuple[np.ndarray, list[Violation]]:
    words = formats.BOOLEANS | (format.booleans or {} if format is not None else {})
    values = formats.booleans(cells, words)
    *others, last = words
    wrong = absent(values) & pc.is_valid(cells).to_numpy()
    violation = Violation.of(feature.name, f"dtype: bool, written {', '.join(others)} or {last}", wrong, column)
    return values, [violation] if violation else []


def _from_numbers(feature: Feature, column: pa.ChunkedArray) -> tuple[np.ndarray, list[Violation]]:
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64(), safe=False)
    present = pc.is_valid(column).to_numpy()
    numbers = pc.fill_null(column, 0).to_numpy()
    if numbers.dtype.kind == "f":
        present &= ~np.isnan(numbers)
    filled = np.where(present, numbers, numbers.dtype.type(0))
    finite = np.isfinite(filled)
    match feature.dtype:
        case "bool":
            wrong = (filled != 0) & (filled != 1)
            values: np.ndarray = (filled == 1).astype(object)
            values[~present] = None
        case "int64":
            wrong = (
                ~finite | (np.mod(np.where(finite, filled, 0), 1) != 0) | (filled >= 2.0**63) | (filled < -(2.0**63))
            )
            values = np.where(wrong, 0, filled).astype(np.int64)
            if not present.all():
                values = values.astype(object)
                values[~present] = None
        case _:
            wrong = ~finite if numbers.dtype.kind == "f" else (filled > _EXACT) | (filled < -_EXACT)
            values = np.where(present, filled, np.nan).astype(np.float64)
    violation = Violation.of(feature.name, f"dtype: {feature.dtype}", wrong, column)
    return values, [violation] if violation else []
