"""Whole tables accepted at once: exactly what the closer look at each value gives, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artifact.errors import InvalidRequest
from artifact.signature import Feature, Signature
from artifact.validation import packing
from artifact.validation.column import convert
from artifact.validation.table import TableRules
from artifact.validation.validator import Validator

FEATURES = (
    Feature("float", "float64"),
    Feature("bounded", "float64", nullable=True, range=(-1, 9)),
    Feature("int", "int64"),
    Feature("few", "int64", range=(0, None)),
    Feature("bool", "bool", nullable=True),
    Feature("text", "string"),
    Feature("city", "string", categories=("a", "ü")),
    Feature("maybe", "string", nullable=True),
)
SIGNATURE = Signature("regression", FEATURES, ())
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "float": st.floats() | st.integers() | st.just("1") | st.just(True),
    "bounded": st.floats(-2, 10) | st.none(),
    "int": st.integers(-(2**64), 2**64) | st.just(5.0) | st.just(5.5),
    "few": st.integers(-2, 3),
    "bool": st.booleans() | st.none() | st.just(1),
    "text": st.text() | st.just("\ud800") | st.none(),
    "city": st.sampled_from(["a", "ü", "b"]),
    "maybe": st.text() | st.none(),
}
ROW = {
    "float": 1.5,
    "bounded": None,
    "int": 3,
    "few": 0,
    "bool": True,
    "text": "x",
    "city": "ü",
    "maybe": "",
}


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.fixed_dictionaries({k: st.lists(v, min_size=n, max_size=n) for k, v in VALUES.items()})
    )
)
def test_the_same_as_value_by_value(table: dict[str, list[Any]]) -> None:
    """What is accepted at once is what each column converts to; what a column refuses is never accepted at once."""
    accepted = TableRules(SIGNATURE).accept(table)
    try:
        looked_at = {feature.name: convert(feature, table[feature.name]) for feature in FEATURES}
    except InvalidRequest:
        assert accepted is None
        return
    for name, column in (accepted or {}).items():
        assert column.dtype == looked_at[name].dtype
        assert [*map(repr, column.tolist())] == [*map(repr, looked_at[name].tolist())]


WIDE = {
    "float64": Signature("regression", (Feature("x", "float64"), Feature("y", "float64", range=(-9, None))), ()),
    "int64": Signature("regression", (Feature("x", "int64"), Feature("y", "int64", range=(-9, None))), ()),
}
NUMBERS = st.sampled_from([0, 1, 0.0, 1.0, True, 5, 5.0, 2.5, -8.5, -10, None, "1", [1]]) | st.floats() | st.integers()
GREAT = st.sampled_from([2**53, 2**53 + 1, float(2**53), -(2**53) - 1, 2**63 - 1, 2**63, 10**400, 3.5e38])


@given(
    st.sampled_from(sorted(WIDE)), st.lists(st.lists(NUMBERS | GREAT, min_size=2, max_size=2), min_size=1), st.data()
)
def test_rows_of_one_dtype(dtype: str, rows: list[list[Any]], data: st.DataObject) -> None:
    """Rows, objects and columns of numbers give what the look at each value gives, or are refused as it refuses."""
    signature = WIDE[dtype]
    if data.draw(st.booleans()):  # mostly plain, so that what is rare stands among many that are not
        plain = 2.5 if dtype == "float64" else 7
        rows = [[plain, plain]] * data.draw(st.sampled_from([3, 40])) + rows
    columns = {"x": [row[0] for row in rows], "y": [row[1] for row in rows]}
    objects = [{"y": row[1], "x": row[0]} for row in rows]
    try:
        expected: dict[str, list[str]] | str = {
            feature.name: [*map(repr, convert(feature, columns[feature.name]).tolist())] for feature in signature.inputs
        }
    except InvalidRequest as error:
        expected = str(error)
    validator = Validator(signature)
    for ask in (
        lambda: validator.columns(columns),
        *(lambda r=r: validator.columns_of_rows(r) for r in (rows, objects)),
    ):
        try:
            result: Any = {name: [*map(repr, column.tolist())] for name, column in ask().items()}
        except InvalidRequest as error:
            result = str(error)
        assert result == expected


@pytest.mark.parametrize(("at", "value"), [(0, True), (packing._PIECE - 1, 2**53 + 1), (packing._PIECE, "1")])
def test_one_wrong_value_among_many(at: int, value: Any) -> None:
    """A value that does not fit is found in whichever piece of a long column or of many rows it stands."""
    values: list[Any] = [1.5] * (packing._PIECE + 9)
    assert packing.column(values, whole=False) is not None
    values[at] = value
    assert packing.column(values, whole=False) is None
    assert packing.table([[value] for value in values], 1, whole=False) is None


def test_plain_rows_are_accepted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table without surprises never reaches the look at each value, as lists or as arrays."""
    monkeypatch.setattr("artifact.validation.validator.convert", lambda *_: pytest.fail("looked at value by value"))
    Validator(SIGNATURE).columns_of_rows([ROW, ROW | {"bounded": 3.5, "float": 2}])
    numbers = Signature("regression", FEATURES[:2], ())
    result = Validator(numbers).columns({"float": np.array([1.0, 2.0]), "bounded": np.array([np.nan, 1.0], np.float32)})
    assert result["bounded"].tolist()[1:] == [1.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("float", "1.5"),
        ("float", 2**53 + 1),
        ("float", True),
        ("int", True),
        ("bool", 1),
        ("text", "\ud800"),
        ("city", "b"),
    ],
)
def test_a_loss_is_looked_at(name: str, value: Any) -> None:
    """What numpy would take with a loss is refused by name."""
    assert TableRules(SIGNATURE).accept({key: [item] for key, item in (ROW | {name: value}).items()}) is None
    with pytest.raises(InvalidRequest, match=f"feature '{name}', row 0"):
        Validator(SIGNATURE).columns_of_rows([ROW | {name: value}])
