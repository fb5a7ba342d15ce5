"""Columns that are arrays only when somebody asks for them."""

from __future__ import annotations

import numpy as np
import pytest

from artifact.categorical import Categorical, CategoricalColumns, categorical
from artifact.prediction import joined, rows


def columns() -> CategoricalColumns:
    """Two columns of texts around one of numbers."""
    texts = {"city": Categorical(["a", "b", np.nan], np.array([1, 0, 2])), "t": Categorical(["x"], np.array([0, 0, 0]))}
    return CategoricalColumns(["city", "n", "t"], {"n": np.arange(3.0)}, texts)


def test_either_form() -> None:
    """A column is an array from when it is asked for, which may be written to, and no longer categorical."""
    table = columns()
    assert (list(table), len(table), rows(table)) == (["city", "n", "t"], 3, 3)
    assert categorical(table, "n") is None
    assert categorical(table, "city") is not None
    array = table["city"]
    assert array[:2].tolist() == ["b", "a"]
    assert np.isnan(array[2])
    array[0] = "c"
    assert categorical(table, "city") is None
    assert table["city"] is array
    assert categorical(table, "t") is not None
    assert [values.tolist() for values in table.values()][1:] == [[0.0, 1.0, 2.0], ["x"] * 3]
    assert categorical(table, "t") is None
    with pytest.raises(KeyError):
        table["other"]


def test_other_columns() -> None:
    """A column that is replaced or taken out is no longer there in the other form."""
    table = columns()
    table["city"] = np.array(["z"] * 3, dtype=object)
    assert categorical(table, "city") is None
    assert table["city"].tolist() == ["z"] * 3
    del table["t"]
    assert categorical(table, "t") is None
    assert "t" not in table
    assert categorical({"t": np.arange(2)}, "t") is None


def test_joined() -> None:
    """Tables one behind the other: texts stay categorical where they are in each, whatever their categories."""
    tables = [columns(), columns(), columns()]
    tables[2]["t"] = np.array(["z", "y", "x"], dtype=object)
    table = joined(tables)
    assert (list(table), rows(table)) == (["city", "n", "t"], 9)
    assert categorical(table, "t") is None
    assert table["t"].tolist() == ["x"] * 6 + ["z", "y", "x"]
    assert table["n"].tolist() == [0, 1, 2] * 3
    assert categorical(table, "city") is not None
    assert table["city"][[0, 1, 3, 4, 6, 7]].tolist() == ["b", "a"] * 3
    assert joined([table]) is table


def test_joined_with_one_list_of_categories() -> None:
    """Requests of one vocabulary share it afterwards; a table of arrays makes arrays of all."""
    first = columns()
    column = categorical(first, "city")
    assert column is not None
    second = CategoricalColumns(["city", "n", "t"], {"n": np.arange(3.0)}, {"city": column, "t": column})
    table = joined([first, second])
    both = categorical(table, "city")
    assert both is not None
    assert both.categories is column.categories
    assert both.codes.tolist() == [1, 0, 2, 1, 0, 2]
    assert table["t"][:5].tolist() == ["x", "x", "x", "b", "a"]
    plain = {name: first[name] for name in first}
    for tables in ([plain, second], [second, plain]):
        assert type(joined(tables)) is dict
        assert joined(tables)["city"].tolist()[:2] == ["b", "a"]
