"""What init takes a column of text for, and the line of params.yaml that it says beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from starter import schema_guess, text_column
from starter.column import Column, Left, declared, line

NUMBERS = np.arange(60)
ISO = [str(np.datetime64("2024-01-01") + int(day)) for day in NUMBERS]
GERMAN = [".".join(reversed(day.split("-"))) for day in ISO]
MIXED = [german if number % 3 else iso for number, (iso, german) in enumerate(zip(ISO, GERMAN, strict=True))]
THREE = [f"{number + 1},{number + 125}" for number in NUMBERS]

READ: list[tuple[str, list[str], dict[str, Any], list[Any], str]] = [
    (
        "decimals that begin with 0", ["0,571", "1,204", "-0,050"] * 20,
        {"dtype": "float64", "format": {"decimal": ","}}, [0.571, 1.204, -0.05], "',' is read as the decimal point",
    ),
    (
        "thousands or three decimals", THREE, {"dtype": "float64", "format": {"thousands": ","}},
        [1125.0, 2126.0, 3127.0],
        'where that mark is the decimal point, write x: {dtype: float64, format: {decimal: ","}}',
    ),
    (
        "decimals or German thousands", [cell.replace(",", ".") for cell in THREE], {"dtype": "float64"},
        [1.125, 2.126, 3.127], 'for thousands, write x: {dtype: float64, format: {decimal: ",", thousands: "."}}',
    ),
    (
        "a space before the unit", ["45,4 %", "7,1 %", "12,0 %"] * 20,
        {"dtype": "float64", "format": {"decimal": ",", "unit": "%"}}, [45.4, 7.1, 12.0], "once '%' is removed",
    ),
    (
        "a currency before the number", ["EUR 5", "EUR 7", "EUR -9"] * 20,
        {"dtype": "float64", "format": {"unit": "EUR"}}, [5.0, 7.0, -9.0], "once 'EUR' is removed",
    ),
    (
        "parentheses below zero", ["1,250", "(3,500)", "(7)"] * 20, {"dtype": "float64", "format": {"thousands": ","}},
        [1250.0, -3500.0, -7.0], "once ',' is removed",
    ),
    (
        "parentheses and nothing else", ["12", "(3.5)", "7"] * 20, {"dtype": "float64", "format": {}},
        [12.0, -3.5, 7.0], "all cells are numbers",
    ),
    (
        "spaces between thousands", ["80\u00a0300", "1 250", "7"] * 20,
        {"dtype": "float64", "format": {"thousands": " "}}, [80300.0, 1250.0, 7.0], "once ' ' is removed",
    ),
    (
        "months", ["2024-01", "2024-02", "2023-12"] * 20, {"dtype": "date", "format": {"date": "%Y-%m"}},
        ["2024-01-01", "2024-02-01", "2023-12-01"], "dates written %Y-%m",
    ),
    ("a code before a number", ["sku-5", "sku-7", "sku-9"] * 20, {"dtype": "string"}, ["sku-5", "sku-7", "sku-9"], ""),
    (
        "ISO and German dates", MIXED, {"dtype": "date", "format": {"date": ["%Y-%m-%d", "%d.%m.%Y"]}}, ISO[:3],
        "all cells are dates written %Y-%m-%d or %d.%m.%Y",
    ),
    ("dates and N/A", ["N/A", *ISO], {"dtype": "date", "nullable": True}, [None, *ISO[:2]], ""),
    ("times with an offset", [f"{day}T08:30:00+02:00" for day in ISO], {"dtype": "datetime"}, [], ""),
    (
        "times without", [f"{day} 08:30:00" for day in ISO], {"dtype": "datetime", "zone": "UTC"}, [],
        "taken as UTC; name another zone",
    ),
    ("times without seconds", [f"{day} 08:30" for day in ISO], {"dtype": "string"}, [], ""),
    (
        "booleans in many words", ["0", "1", "true", "ja", "Nein", "n/a"] * 10,
        {"dtype": "bool", "nullable": True, "format": {"booleans": {"ja": True, "nein": False}}},
        [False, True, True, True, False, None], "are read as true and false",
    ),
    ("two words", ["yes", "no", "yes"] * 20, {"dtype": "string"}, ["yes", "no", "yes"], ""),
    (
        "upper and lower case", ["Open", "open", "shut"] * 20, {"dtype": "string"}, ["Open", "open", "shut"],
        "'Open' and 'open' differ by upper and lower case only; to read them as one, write x: {dtype: string, format: "
        "{lower: true}}",
    ),
]  # fmt: skip


def column(cells: list[str]) -> Column | Left:
    """What init makes of a column of a CSV."""
    return schema_guess.column(_Table(cells), "x")


class _Table:
    names, text = ["x"], True

    def __init__(self, cells: list[str]) -> None:
        self._cells = cells

    def column(self, name: str) -> pa.ChunkedArray:
        return pa.chunked_array([pa.array(self._cells, pa.string())])


@pytest.mark.parametrize("case", READ, ids=[case[0] for case in READ])
def test_cells_are_read_as_what_they_mean(case: tuple[str, list[str], dict[str, Any], list[Any], str]) -> None:
    """Never as another number or day; where two readings fit, the note has the line of the other."""
    _, cells, entry, first, note = case
    read = column(cells)
    assert isinstance(read, Column)
    assert declared([read]) == [entry]
    assert read.values[: len(first)].tolist() == first
    assert note in (read.note or "")
    assert bool(note) == (read.note is not None)


LEFT = [
    ("nearly all numbers", [*[f"{20 + number},{125 + number}" for number in NUMBERS], "k.A."], "and one holds 'k.A.'"),
    (
        "times of day",
        [f"{number // 4:02d}:{number % 60:02d}" for number in NUMBERS],
        "write the minutes since midnight",
    ),
]


@pytest.mark.parametrize("case", LEFT, ids=[case[0] for case in LEFT])
def test_a_column_that_stays_out_says_how_to_use_it(case: tuple[str, list[str], str]) -> None:
    """What was seen in its cells is not lost when there are too many different ones for a category."""
    left = column(case[1])
    assert isinstance(left, Left)
    assert case[2] in left.reason


def test_a_duration_is_named() -> None:
    """A typed file may hold what no request can: it is left out with a way to use it."""
    left = schema_guess.typed("x", pa.chunked_array([pa.array([1, 2], pa.duration("s"))]))
    assert isinstance(left, Left)
    assert "write it as a number of seconds" in left.reason


def test_the_line_is_the_entry() -> None:
    """As params.yaml spells it."""
    read = text_column.of_cells("x", pa.chunked_array([pa.array(["1,5", "2,25"] * 10)]))
    assert line(read) == 'x: {dtype: float64, format: {decimal: ","}}'
