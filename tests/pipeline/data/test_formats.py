"""Cells in a declared format are read as what they mean, and any other cell is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from artifact.signature import Feature
from pipeline.data import conversion
from pipeline.params.cells import Cells, Format


def read(dtype: str, cells: list[str | None], **format: Any) -> tuple[list[Any], list[str]]:
    """Values, and violations as text, of a column in a format."""
    column = pa.chunked_array([pa.array(cells, pa.string())])
    described = Cells(("-",), {"x": Format(**format)})
    values, violations = conversion.text(Feature("x", dtype, True), column, described)
    return [None if value != value else value for value in values.tolist()], list(map(str, violations))


NUMBERS: list[tuple[dict[str, Any], list[str | None], list[float | None]]] = [
    (
        {"thousands": ","},
        ["51,257", "1,234,567.5", "12", "-3,000", "", "-", None],
        [51257, 1234567.5, 12, -3000, *[None] * 3],
    ),
    ({"decimal": ","}, ["1,5", ",25", "+7", "1e3"], [1.5, 0.25, 7, 1000]),
    ({"decimal": ",", "thousands": "."}, ["1.234,5", "999"], [1234.5, 999]),
    ({"decimal": ",", "thousands": " "}, ["1 234,5", "1\u00a0234", "1\u202f234"], [1234.5, 1234, 1234]),
    ({"unit": "%"}, ["51.3%", "4 %", "-0.5%", "7"], [51.3, 4, -0.5, 7]),
    (
        {"unit": "€", "thousands": ".", "decimal": ","},
        ["€1.234,50", "-€5", "12,00 €", "12,00\u00a0€"],
        [1234.5, -5, 12, 12],
    ),
    ({"unit": "$", "thousands": ","}, ["($1,250)", "(3)", "$7"], [-1250, -3, 7]),
    ({"unit": "USD"}, ["USD 5", "6 USD"], [5, 6]),
]


@pytest.mark.parametrize(("format", "cells", "values"), NUMBERS)
def test_numbers_in_a_format(format: dict[str, Any], cells: list[str | None], values: list[float | None]) -> None:
    """Units and marks between thousands go, the decimal mark becomes a point; an empty cell is missing."""
    assert read("float64", cells, **format) == (values, [])


@pytest.mark.parametrize(
    ("format", "cell"),
    [
        ({"thousands": ","}, "1,23"),
        ({"thousands": ","}, "0,571"),
        ({"thousands": ","}, "(-5)"),
        ({"thousands": ","}, "12,3456"),
        ({"decimal": ","}, "1.5"),
        ({"decimal": ",", "thousands": "."}, "1.5"),
        ({"unit": "%"}, "5 €"),
        ({}, "1,5"),
    ],
)
def test_a_number_in_another_format_is_refused(format: dict[str, Any], cell: str) -> None:
    """Never read as another number: 1.5 is none where the comma is the decimal mark."""
    (_, (violation,)) = read("float64", ["7", cell], **format)
    assert violation.startswith("'x': dtype: float64")
    assert violation.endswith(f"1 row (2), the first holds {cell!r}")


def test_dates_become_iso_8601() -> None:
    """A date without a time has none, one with a zone is in UTC; what is no such date is refused."""
    assert read("string", ["9/18/2023", " 2/4/2023 ", "", None], date="%m/%d/%Y") == (
        ["2023-09-18", "2023-02-04", None, None],
        [],
    )
    assert read("string", ["01.02.2023 09:30"], date="%d.%m.%Y %H:%M") == (["2023-02-01T09:30:00"], [])
    assert read("string", ["2023-02-01 09:30 +0200"], date="%Y-%m-%d %H:%M %z") == (["2023-02-01T07:30:00+00:00"], [])
    (_, (violation,)) = read("string", ["9/18/2023", "18/9/2023"], date="%m/%d/%Y")
    assert "dates written as %m/%d/%Y: 1 row (2), the first holds '18/9/2023'" in violation


@pytest.mark.parametrize("dtype", ["date", "string"])
def test_dates_in_several_formats(dtype: str) -> None:
    """The first format that reads a cell counts, so that ISO 8601 and German dates may stand in one column."""
    values, violations = read(dtype, ["2024-01-31", "1.2.2024", "", "2/1/2024"], date=["%Y-%m-%d", "%d.%m.%Y"])
    expected = {"date": [1706659200.0, 1706745600.0, None, None], "string": ["2024-01-31", "2024-02-01", None, None]}
    assert values == expected[dtype]
    assert len(violations) == 1
    assert violations[0].endswith("1 row (4), the first holds '2/1/2024'")


def test_booleans_in_words() -> None:
    """In any case, beside true, false, 1 and 0; any other word is refused, and named with those that are taken."""
    values, violations = read(
        "bool", ["Ja", "nein", "1", "FALSE", "-", "", "yes"], booleans={"ja": True, "nein": False}
    )
    assert values == [True, False, True, False, None, None, None]
    assert violations == ["'x': dtype: bool, written true, false, 1, 0, ja or nein: 1 row (7), the first holds 'yes'"]


def test_texts_in_lower_case() -> None:
    """Where asked, two texts that differ by case only are one."""
    assert read("string", ["Open", "open ", "ÖL"], lower=True, strip=True) == (["open", "open", "öl"], [])


def test_formats_come_back_from_a_manifest() -> None:
    """One format of dates is a text there and several are a list, so that artifacts of one keep their bytes."""
    for date in ("%d.%m.%Y", ["%Y-%m-%d", "%d.%m.%Y"]):
        cells = Cells((), {"x": Format.model_validate({"date": date})})
        assert cells.to_dict() == {"formats": {"x": {"date": date}}}
        assert Cells.from_dict(cells.to_dict()) == cells


def test_spaces_around_a_text_go_where_asked() -> None:
    """With strip; without it a space is part of the text."""
    assert read("string", ["no ", " no"], strip=True) == (["no", "no"], [])
    values, _ = conversion.text(Feature("x", "string"), pa.chunked_array([["no "]]), Cells())
    assert values.tolist() == ["no "]


def test_numbers_in_text_of_a_typed_file_need_a_format() -> None:
    """Parquet has types of its own: text is a number only where the schema says how it is written."""
    column = pa.chunked_array([["1,5", None]])
    values, violations = conversion.typed(Feature("x", "float64", True), column, Cells((), {"x": Format(decimal=",")}))
    assert (np.isnan(values[1]), values[0], violations) == (True, 1.5, [])
    assert conversion.typed(Feature("x", "float64", True), column, Cells())[1]
