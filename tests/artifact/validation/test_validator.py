"""Rows and columns against the signature, whatever they come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifact.errors import InvalidRequest
from artifact.signature import Feature, Signature
from artifact.validation.frame import of as frame_of
from artifact.validation.frame import of_rows as frame_of_rows

SIGNATURE = Signature(
    "regression",
    (
        Feature("größe (cm)", "float64", nullable=True),
        Feature("rooms", "int64"),
        Feature("smoker", "bool", nullable=True),
        Feature("city", "string", nullable=True),
    ),
    (),
)
COLUMNS: dict[str, Any] = {
    "größe (cm)": [170.5, None],
    "rooms": [3, 4],
    "smoker": [True, None],
    "city": ["Bonn", None],
}
ROWS = [list(row) for row in zip(*COLUMNS.values(), strict=True)]
OBJECTS = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def frame() -> pd.DataFrame:
    """The frame that COLUMNS stand for."""
    products = {
        "größe (cm)": np.array([170.5, np.nan]),
        "rooms": np.array([3, 4]),
        "smoker": np.array([1.0, np.nan]),
        "city": np.array(["Bonn", np.nan], dtype=object),
    }
    return pd.DataFrame(products)


def test_one_frame_from_every_form() -> None:
    """Columns, lists and objects give one frame: the signature's order and types, whatever order they came in."""
    pd.testing.assert_frame_equal(frame_of(SIGNATURE, COLUMNS), frame())
    pd.testing.assert_frame_equal(frame_of(SIGNATURE, dict(reversed(COLUMNS.items()))), frame())
    pd.testing.assert_frame_equal(frame_of_rows(SIGNATURE, ROWS), frame())
    pd.testing.assert_frame_equal(frame_of_rows(SIGNATURE, OBJECTS), frame())
    backwards = [dict(reversed(row.items())) for row in OBJECTS]
    pd.testing.assert_frame_equal(frame_of_rows(SIGNATURE, backwards), frame())


def test_pandas_and_parquet(tmp_path: Path) -> None:
    """Columns of a DataFrame, also one that went through Parquet, give the frame that JSON gives."""
    objects = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in COLUMNS.items()})
    objects.to_parquet(tmp_path / "table.parquet")
    for table in (objects, pd.DataFrame(COLUMNS), frame(), pd.read_parquet(tmp_path / "table.parquet")):
        columns = {name: table[name].to_numpy() for name in table}
        pd.testing.assert_frame_equal(frame_of(SIGNATURE, columns), frame())


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint64", "int8", "float16"])
def test_narrow_parquet_columns(tmp_path: Path, dtype: str) -> None:
    """Narrower and unsigned types of a Parquet file become the signature's, value for value."""
    signature = Signature("regression", (Feature("a", "float64"), Feature("b", "int64")), ())
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).astype(dtype).to_parquet(tmp_path / "table.parquet")
    table = pd.read_parquet(tmp_path / "table.parquet")
    assert table["a"].dtype == dtype
    result = frame_of(signature, {name: table[name].to_numpy() for name in table})
    pd.testing.assert_frame_equal(result, pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]}))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({}, r"missing 'größe \(cm\)', 'rooms', 'smoker', 'city'"),
        ({**COLUMNS, "x": [1, 2]}, "unknown feature 'x'; expected 'größe"),
        ({**COLUMNS, "room": [1, 2]}, "unknown feature 'room'; did you mean 'rooms'?"),
        ({**COLUMNS, "rooms": [1]}, "different numbers of rows: 'größe (cm)' 2, 'rooms' 1"),
        ({name: [] for name in COLUMNS}, "no rows"),
        ({**COLUMNS, "rooms": [1, "2"]}, "feature 'rooms', row 1: '2' is text"),
    ],
)
def test_wrong_columns(columns: dict[str, Any], says: str) -> None:
    """The message names what is missing, unknown, uneven or wrong."""
    with pytest.raises(InvalidRequest) as caught:
        frame_of(SIGNATURE, columns)
    assert says.replace("\\", "") in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no rows"),
        ([[]], "row 0 has 0 values, expected 4"),
        ([ROWS[0], ROWS[0][:3]], "row 1 has 3 values, expected 4"),
        ([None], "row 0 is neither a list of 4 values nor an object by feature name"),
        (["abcd"], "row 0 is neither a list"),
        ([ROWS[0], "abcd"], "row 1 is not a list of 4 values, as row 0 is"),
        ([ROWS[0], OBJECTS[0]], "row 1 is not a list of 4 values, as row 0 is"),
        ([OBJECTS[0], ROWS[0]], "row 1 is not an object by feature name, as row 0 is"),
        ([OBJECTS[0], {}], "row 1: missing 'größe (cm)'"),
        ([OBJECTS[0], {**OBJECTS[0], "city ": ""}], "row 1: unknown feature 'city '"),
        ([ROWS[0], [1, 2.5, True, ""]], "feature 'rooms', row 1: 2.5"),
    ],
)
def test_wrong_rows(rows: list[Any], says: str) -> None:
    """The message names the row."""
    with pytest.raises(InvalidRequest) as caught:
        frame_of_rows(SIGNATURE, rows)
    assert says in str(caught.value)


def test_many_features_are_not_all_listed() -> None:
    """A signature of a thousand features does not make a message of a thousand names."""
    wide = Signature("regression", tuple(Feature(f"feature {at}", "float64") for at in range(1000)), ())
    with pytest.raises(InvalidRequest) as caught:
        frame_of_rows(wide, [[1.0]])
    assert str(caught.value).endswith("and 992 more")
