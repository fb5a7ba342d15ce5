"""Columns that are arrays only when somebody asks for them."""

from __future__ import annotations

import numpy as np
import pytest

from artifact.categorical import Categorical, CategoricalColumns, categorical
from artifact.prediction import rows


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
