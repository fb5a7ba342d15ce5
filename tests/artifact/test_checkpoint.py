"""Validation asks whether it should go on, often enough for other threads and for whoever left."""

from __future__ import annotations

from typing import Any

import pytest

from artifact import checkpoint
from artifact.errors import InvalidRequest
from artifact.signature import Feature, Signature
from artifact.validation.validator import Validator

COLUMNS = 20


class Left(Exception):
    """Nobody waits any more."""


def count_calls(signature: Signature, rows: list[Any], error: type[Exception] | None = None) -> int:
    """How often validation of `rows` asked; it ends with `error`, if that is given."""
    count = 0

    def ask() -> None:
        nonlocal count
        count += 1

    with checkpoint.asking(ask):
        if error is None:
            Validator(signature).columns_of_rows(rows)
        else:
            with pytest.raises(error):
                Validator(signature).columns_of_rows(rows)
    return count


def signature(*dtypes: str) -> Signature:
    """COLUMNS features of each type in turn."""
    names = [(f"x{place}", dtypes[place % len(dtypes)]) for place in range(COLUMNS)]
    return Signature("regression", tuple(Feature(name, dtype) for name, dtype in names), ())


def test_asks_at_each_column() -> None:
    """Rows of several types are asked about at each column, by name in pieces of rows as well."""
    mixed, row = signature("float64", "string"), [1.0, "a"] * (COLUMNS // 2)
    assert count_calls(mixed, [row] * 9) >= COLUMNS
    named = dict(zip(mixed.names, row, strict=True))
    assert count_calls(mixed, [named] * 20_000) >= 2 * COLUMNS + 4


def test_asks_within_a_great_table() -> None:
    """A table of numbers is asked about in pieces, however few its columns."""
    assert count_calls(signature("float64"), [[1.0] * COLUMNS] * 20_000) >= 10


def test_asks_while_it_looks_for_what_is_wrong() -> None:
    """So it is at each column that is looked at value by value."""
    rows = [[1.0] * COLUMNS] * 9 + [[1.0] * (COLUMNS - 1) + ["x"]]
    assert count_calls(signature("float64"), rows, InvalidRequest) >= COLUMNS


def test_ends_where_it_asked() -> None:
    """What is raised there ends the validation; outside of it nothing asks."""

    def ask() -> None:
        raise Left

    validator, rows = Validator(signature("float64", "string")), [[1.0, "a"] * (COLUMNS // 2)] * 2
    with checkpoint.asking(ask), pytest.raises(Left):
        validator.columns_of_rows(rows)
    assert len(validator.columns_of_rows(rows)) == COLUMNS
