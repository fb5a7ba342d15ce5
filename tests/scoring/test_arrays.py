"""Arrays of Arrow and numpy: the same as pyarrow makes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from scoring import arrays


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int64(), pa.int8(), pa.uint32()])
def test_numbers_of_a_column(kind: pa.DataType) -> None:
    """Of any type and any part of a column, NaN where a float is missing."""
    numbers = [0, 1, 2, *([None, None] if pa.types.is_floating(kind) else []), *range(20)]
    whole = pa.array(numbers, kind)
    for column in (whole, whole.slice(2, 7), whole.slice(4), whole[:0]):
        values = arrays.values(column)
        assert values.dtype == kind.to_pandas_dtype()
        np.testing.assert_array_equal(values, column.to_numpy(zero_copy_only=False))


def test_a_column_of_numbers_flags_or_texts() -> None:
    """Also of a part of a table's column, and of another type than is asked for."""
    table = np.arange(20.0).reshape(10, 2)
    for values, kind in (
        (table[:, 1], pa.float64()),
        (table[:, 1], pa.int64()),
        (table[:, 0] > 5, pa.bool_()),
        (np.arange(0), pa.int64()),
    ):
        assert arrays.array(values, kind).equals(pa.array(values, kind))
    for texts in ([], ["a"], ["", "größe", "b" * 300]):
        assert arrays.texts(texts).equals(pa.array(texts, pa.string()))
