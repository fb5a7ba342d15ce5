"""Every value is the declared one, or the violation names column, rule, count and rows."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from artifact.errors import DataContractError
from artifact.signature import Feature
from pipeline.data import contract, conversion, reader
from pipeline.params.cells import Cells, Format


def feature(name: str, dtype: str, **declared: Any) -> Feature:
    return Feature.from_dict(name, {"dtype": dtype, **declared})


def of_csv(tmp_path: Path, text: str, *schema: Feature, missing: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return _listed(contract.check(reader.read(path), schema, Cells(missing)))


def of_parquet(tmp_path: Path, columns: dict[str, Any], *schema: Feature) -> dict[str, list[Any]]:
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    return _listed(contract.check(reader.read(path), schema, Cells()))


def _listed(checked: contract.Checked) -> dict[str, list[Any]]:
    return {
        name: [None if value != value else value for value in values.tolist()]
        for name, values in checked.columns.items()
    }


def test_text_becomes_the_declared_type(tmp_path: Path) -> None:
    """Numbers, booleans in four spellings, and text that other readers would take for missing."""
    text = "f,i,b,s\n1.5,+2,TRUE,NA\n,3,0,\n 1e3 ,-0,,None\n-.5,007,1,null\n"
    result = of_csv(
        tmp_path,
        text,
        feature("f", "float64", nullable=True),
        feature("i", "int64"),
        feature("b", "bool", nullable=True),
        feature("s", "string", nullable=True),
    )
    assert result == {
        "f": [1.5, None, 1000.0, -0.5],
        "i": [2, 3, 0, 7],
        "b": [True, False, None, True],
        "s": ["NA", None, "None", "null"],
    }


def test_a_declared_text_stands_for_a_missing_number_only(tmp_path: Path) -> None:
    """data.missing empties numbers and booleans; in a column of text NA stays a value."""
    schema = feature("f", "float64", nullable=True), feature("s", "string")
    assert of_csv(tmp_path, "f,s\nNA,NA\n", *schema, missing=("NA",)) == {"f": [None], "s": ["NA"]}


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    """What Python writes is what comes back."""
    values = [0.1, 1 / 3, 1e-320, 3.4028234663852886e38, 123456789.123456789, 5e-324, 1e22, 0.1 + 0.2]
    result = of_csv(tmp_path, "f\n" + "\n".join(map(repr, values)) + "\n", feature("f", "float64"))
    assert result["f"] == values
    odd = ["0" * 400 + "1", "1." + "0" * 400 + "1", "1e-400", ".5E+3", "5.", "9" * 17 + "e-17"]
    assert of_csv(tmp_path, "f\n" + "\n".join(odd) + "\n", feature("f", "float64"))["f"] == [
        float(text) for text in odd
    ]
    assert of_csv(tmp_path, f"i\n{2**63 - 1}\n{-(2**63)}\n", feature("i", "int64"))["i"] == [2**63 - 1, -(2**63)]


WRONG = [
    (
        "f\nNA\n1\nnan\n",
        feature("f", "float64", nullable=True),
        "'f': dtype: float64: 2 rows (1, 3), the first holds 'NA'",
    ),
    ("f\nNA\n", feature("f", "float64", nullable=True), "list it under data.missing"),
    ("f\ninf\n", feature("f", "float64"), "the first holds 'inf'"),
    ("f\n1\n1e999\n", feature("f", "float64"), "'f': dtype: float64: too large: 1 row (2)"),
    ("f\n9007199254740993\n", feature("f", "float64"), "exactly up to 2^53 only: 1 row (1)"),
    ('f\n"1,5"\n', feature("f", "float64"), "the first holds '1,5'"),
    ("i\n1.0\n2.5\n", feature("i", "int64"), "'i': dtype: int64: 1 row (2), the first holds '2.5'"),
    ("i\n99999999999999999999\n", feature("i", "int64"), "too large"),
    ("i,j\n1,2\n,2\n", feature("i", "int64"), "'i': nullable: false: 1 row (2)"),
    ("b\ntrue\nyes\n", feature("b", "bool"), "written true, false, 1 or 0: 1 row (2), the first holds 'yes'"),
    ("f\n1\n\n", feature("s", "string"), "'s': column is missing"),
    ("lenght\n1\n", feature("length", "float64"), "did you mean 'lenght'?"),
    ("f\n-1\n0\n200\n", feature("f", "float64", range=[0, 100]), "range: at least 0: 1 row (1), the first holds -1.0"),
    (
        "f\n-1\n0\n200\n",
        feature("f", "float64", range=[0, 100]),
        "range: at most 100: 1 row (3), the first holds 200.0",
    ),
    (
        "s\nx\ny\nz\nz\nz\nz\n",
        feature("s", "string", categories=["x", "y"]),
        "4 rows (3, 4, 5, …), the first holds 'z'",
    ),
    ("s,t\nx,1\n,1\n", feature("s", "string"), "'s': nullable: false: 1 row (2), the first holds a missing value"),
    ("i\n3\n", feature("i", "int64", categories=[1, 2]), "categories: [1, 2]: 1 row (1), the first holds 3"),
    (
        "f\n1e39\n1\n",
        feature("f", "float64"),
        "'f': range: what float32 holds, in which trees and engines compute: 1 row",
    ),
    ("f\nx\n-1\n", feature("f", "float64", range=[0, None]), "range: at least 0: 1 row (2)"),
]


@pytest.mark.parametrize(("text", "declared", "problem"), WRONG)
def test_a_violation_names_column_rule_count_and_rows(
    tmp_path: Path, text: str, declared: Feature, problem: str
) -> None:
    """Exit 40, on one line, with up to three row numbers and the first value."""
    with pytest.raises(DataContractError) as caught:
        of_csv(tmp_path, text, declared)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_that_does_not_convert_is_told_once(tmp_path: Path) -> None:
    """Nothing is said of what stands in for it: it is neither missing nor out of range."""
    with pytest.raises(DataContractError) as caught:
        of_csv(tmp_path, "f,i\nx,x\n9,9\n", feature("f", "float64"), feature("i", "int64", range=[1, 9]))
    assert str(caught.value).count(": 1 row (1)") == 2
    assert "nullable" not in str(caught.value)
    assert "range" not in str(caught.value)


def test_all_violations_are_listed_at_once(tmp_path: Path) -> None:
    """One run shows everything there is to mend."""
    with pytest.raises(DataContractError) as caught:
        of_csv(tmp_path, "a,b\nx,\n", feature("a", "float64"), feature("b", "string"), feature("c", "bool"))
    for column in ("'a'", "'b'", "'c'"):
        assert f"{column}: " in str(caught.value)


def test_parquet_types_become_the_declared_ones(tmp_path: Path) -> None:
    """Nothing is lost on the way: whole floats are int64, 0 and 1 booleans, moments ISO 8601 text."""
    moment = datetime.datetime(2024, 1, 31, 9, 30, tzinfo=datetime.UTC)
    result = of_parquet(
        tmp_path,
        {
            "f": [1, None, 3],
            "d": [decimal.Decimal("1.25"), None, decimal.Decimal("2.00")],
            "i": [1.0, 2.0, 3.0],
            "b": [0, 1, None],
            "t": [True, None, False],
            "w": [moment, None, moment],
            "s": pa.array(["x", "y", None]).dictionary_encode(),
            "n": pa.nulls(3),
            "g": [1.5, np.nan, None],
        },
        feature("f", "float64", nullable=True),
        feature("d", "float64", nullable=True),
        feature("i", "int64"),
        feature("b", "bool", nullable=True),
        feature("t", "bool", nullable=True),
        feature("w", "string", nullable=True),
        feature("s", "string", nullable=True),
        feature("n", "float64", nullable=True),
        feature("g", "float64", nullable=True),
    )
    assert result == {
        "f": [1.0, None, 3.0],
        "d": [1.25, None, 2.0],
        "i": [1, 2, 3],
        "b": [False, True, None],
        "t": [True, None, False],
        "w": ["2024-01-31T09:30:00+00:00", None, "2024-01-31T09:30:00+00:00"],
        "s": ["x", "y", None],
        "n": [None, None, None],
        "g": [1.5, None, None],
    }


WRONG_TYPES = [
    ([2**60, 1], feature("c", "float64"), "dtype: float64: 1 row (1)"),
    ([1.5, 2.0], feature("c", "int64"), "dtype: int64: 1 row (1), the first holds 1.5"),
    (pa.array([2**64 - 1, 1], pa.uint64()), feature("c", "int64"), "dtype: int64: 1 row (1)"),
    ([0, 2], feature("c", "bool"), "dtype: bool: 1 row (2), the first holds 2"),
    ([1, 2], feature("c", "string"), "dtype: string, the file has int64: 2 rows (1, 2)"),
    (["1", "2"], feature("c", "float64"), "dtype: float64, the file has string"),
    ([True, False], feature("c", "int64"), "dtype: int64, the file has bool"),
    ([1.0, float("inf")], feature("c", "float64"), "dtype: float64: 1 row (2), the first holds inf"),
    ([[1], [2]], feature("c", "float64"), "the file has list"),
]


@pytest.mark.parametrize(("values", "declared", "problem"), WRONG_TYPES)
def test_a_parquet_type_that_would_lose_something_is_refused(
    tmp_path: Path, values: Any, declared: Feature, problem: str
) -> None:
    """A type is converted only where every value stays what it was."""
    with pytest.raises(DataContractError) as caught:
        of_parquet(tmp_path, {"c": values}, declared)
    assert problem in str(caught.value)


NOON = 1711713600.0  # 2024-03-29T12:00:00Z
MOMENTS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"dtype": "datetime"}, {}, "2024-03-29T12:00:00Z"),
    ({"dtype": "datetime"}, {}, "2024-03-29T14:00:00+02:00"),
    ({"dtype": "datetime", "zone": "Europe/Berlin"}, {}, "2024-03-29T13:00:00"),
    ({"dtype": "datetime", "zone": "Europe/Berlin"}, {"date": "%d.%m.%Y %H:%M"}, "29.03.2024 13:00"),
]


@pytest.mark.parametrize(("declared", "format", "cell"), MOMENTS)
def test_a_time_is_seconds_since_1970(declared: dict[str, Any], format: dict[str, Any], cell: str) -> None:
    """By the rules of a request, in a CSV and in a typed file; a missing one is missing."""
    described = Feature.from_dict("t", {**declared, "nullable": True})
    cells = Cells((), {"t": Format(**format)} if format else {})
    for convert in (conversion.text, conversion.typed):
        values, violations = convert(described, pa.chunked_array([[cell, None]]), cells)
        assert (values[0], np.isnan(values[1]), violations) == (NOON, True, [])


def test_a_time_without_a_zone_is_refused() -> None:
    """As a request with one is; a timestamp of a typed file is taken with its own zone, or that of the schema."""
    clock = datetime.datetime(2024, 3, 29, 12)
    bare, aware = (pa.chunked_array([pa.array([clock], pa.timestamp("us", zone))]) for zone in (None, "UTC"))
    (_, (violation,)) = conversion.text(feature("t", "datetime"), pa.chunked_array([["2024-03-29T12:00:00"]]), Cells())
    assert "has no offset, and the schema names no zone" in str(violation)
    (_, (violation,)) = conversion.typed(feature("t", "datetime"), bare, Cells())
    assert "without a zone, and the schema names none" in str(violation)
    assert conversion.typed(feature("t", "datetime"), aware, Cells())[0].tolist() == [NOON]
    assert conversion.typed(feature("t", "datetime", zone="Europe/Berlin"), bare, Cells())[0].tolist() == [NOON - 3600]
    days = pa.chunked_array([pa.array([clock.date()], pa.date32())])
    assert conversion.typed(feature("t", "date"), days, Cells())[0].tolist() == [NOON - 43200]
