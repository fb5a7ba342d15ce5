"""One column of values: what loses nothing is converted, what would lose anything is refused by row and value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artifact.errors import InvalidRequest
from artifact.signature import Feature
from artifact.validation.column import LARGEST, convert

NAN = float("nan")
FEATURES = {
    "float": Feature("f", "float64"),
    "float?": Feature("f", "float64", nullable=True),
    "int": Feature("f", "int64"),
    "bool": Feature("f", "bool"),
    "bool?": Feature("f", "bool", nullable=True),
    "text": Feature("f", "string"),
    "text?": Feature("f", "string", nullable=True),
    "within": Feature("f", "float64", range=(0, 10)),
    "least": Feature("f", "int64", range=(0, None)),
    "one of": Feature("f", "string", nullable=True, categories=("a", "b")),
    "one of int": Feature("f", "int64", categories=(1, 2)),
    "always": Feature("f", "bool", categories=(True,)),
}


def objects(*values: Any) -> np.ndarray:
    """An object array, as pandas and Parquet give mixed columns."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


# (feature, values, the array that stands for them)
LOSSLESS: list[tuple[str, Any, list[Any]]] = [
    ("float", [1.5, 2], [1.5, 2.0]),
    ("float", [2**53, -(2**53), 2**60, 10**20], [2.0**53, -(2.0**53), 2.0**60, 1e20]),
    ("float", [-0.0, 5e-324, 3.4028234663852886e38], [-0.0, 5e-324, 3.4028234663852886e38]),
    ("float?", [None, NAN, 1], [NAN, NAN, 1.0]),
    ("float?", [None], [NAN]),
    ("float", np.array([0.1], np.float32), [0.10000000149011612]),
    ("float", np.array([0.1], np.float16), [0.0999755859375]),
    ("float", np.array([1, -1], np.int8), [1.0, -1.0]),
    ("float", np.array([2**32 - 1], np.uint32), [4294967295.0]),
    ("float", np.array([2**60, -(2**63)], np.int64), [2.0**60, -(2.0**63)]),
    ("float", np.array([2**63], np.uint64), [2.0**63]),
    ("float", np.array([1.5], ">f8"), [1.5]),
    ("float?", np.array([NAN, 1], np.float32), [NAN, 1.0]),
    ("float?", objects(1, None, 2.5, NAN), [1.0, NAN, 2.5, NAN]),
    ("float", objects(np.float64(1.5), np.int64(2), np.float32(0.5)), [1.5, 2.0, 0.5]),
    ("float", pd.Series([1.5, 2.5]).to_numpy(), [1.5, 2.5]),
    ("float", np.arange(6.0)[::2], [0.0, 2.0, 4.0]),
    ("int", [1, -(2**63), 2**63 - 1], [1, -(2**63), 2**63 - 1]),
    ("int", [5.0, -0.0, 1e18, 2.0**62], [5, 0, 10**18, 2**62]),
    ("int", np.array([7], np.uint8), [7]),
    ("int", np.array([2**63 - 1], np.uint64), [2**63 - 1]),
    ("int", np.array([5.0, -(2.0**63)]), [5, -(2**63)]),
    ("int", np.array([5.0], np.float16), [5]),
    ("int", objects(np.int32(5), 6, np.float64(7.0)), [5, 6, 7]),
    ("bool", [True, False], [1.0, 0.0]),
    ("bool?", [True, None], [1.0, NAN]),
    ("bool?", [False, NAN], [0.0, NAN]),
    ("bool", np.array([True, False]), [1.0, 0.0]),
    ("bool?", np.array([1.0, 0.0, NAN], np.float32), [1.0, 0.0, NAN]),
    ("bool", objects(np.True_, False), [1.0, 0.0]),
    ("text", ["a", "", "東京", "😀", "\x00"], ["a", "", "東京", "😀", "\x00"]),
    ("text?", ["a", None, NAN], ["a", NAN, NAN]),
    ("text?", [NAN, NAN], [NAN, NAN]),
    ("text", np.array(["a", "bc"]), ["a", "bc"]),
    ("text", objects("a", np.str_("b")), ["a", "b"]),
    ("within", [0, 10, 0.0, 10.0], [0.0, 10.0, 0.0, 10.0]),
    ("least", [0, 2**62], [0, 2**62]),
    ("one of", ["a", "b", None], ["a", "b", NAN]),
    ("one of int", [1, 2.0], [1, 2]),
    ("always", [True], [1.0]),
]

# (feature, values, row, the end of the message)
LOSSY: list[tuple[str, Any, int, str]] = [
    ("float", [1, "1.5"], 1, "'1.5' is text, expected float64"),
    ("float", [True], 0, "True is a boolean, expected float64"),
    ("float", [1.0, None], 1, "missing, and the feature is not nullable"),
    ("float", [1.0, NAN], 1, "missing, and the feature is not nullable"),
    ("float", [1.0, math.inf], 1, "inf is infinite"),
    ("float?", [-math.inf], 0, "-inf is infinite"),
    ("float", [0, 2**53 + 1], 1, "9007199254740993 is not exact as float64"),
    ("float", [-(2**53) - 1], 0, "-9007199254740993 is not exact as float64"),
    ("float", [10**400], 0, "is not exact as float64"),
    ("float", [[1.0]], 0, "[1.0] is a list, expected float64"),
    ("float", [{}], 0, "{} is an object, expected float64"),
    ("float", np.array([1, 2**53 + 1]), 1, "9007199254740993 is not exact as float64"),
    ("float", np.array([2**64 - 1], np.uint64), 0, "18446744073709551615 is not exact as float64"),
    ("float", np.array([2**63 - 1]), 0, "9223372036854775807 is not exact as float64"),
    ("float", np.array([1.0, math.inf], np.float32), 1, "inf is infinite"),
    ("float", np.array([1.0, NAN]), 1, "missing, and the feature is not nullable"),
    ("float", objects(1, pd.NA), 1, "a NAType is NAType, expected float64"),
    ("float", objects(1, np.longdouble(1)), 1, "expected float64"),
    ("int", [1, 5.9], 1, "5.9 is not a whole number"),
    ("int", [NAN], 0, "nan is not a whole number"),
    ("int", [math.inf], 0, "inf is not a whole number"),
    ("int", [None], 0, "missing, and the feature is not nullable"),
    ("int", [1, 2**63], 1, "9223372036854775808 does not fit int64"),
    ("int", [-(2**63) - 1], 0, "-9223372036854775809 does not fit int64"),
    ("int", [2.0**63], 0, "9.223372036854776e+18 does not fit int64"),
    ("int", ["1"], 0, "'1' is text, expected int64"),
    ("int", [True], 0, "True is a boolean, expected int64"),
    ("int", np.array([0, 2**63], np.uint64), 1, "9223372036854775808 does not fit int64"),
    ("int", np.array([5.9]), 0, "5.9 is not a whole number"),
    ("int", np.array([NAN]), 0, "nan is not a whole number"),
    ("int", np.array([math.inf]), 0, "inf does not fit int64"),
    ("int", np.array([2.0**63]), 0, "9.223372036854776e+18 does not fit int64"),
    ("bool", ["false"], 0, "'false' is text, expected bool"),
    ("bool", [0], 0, "0 is a whole number, expected bool"),
    ("bool", [1.0], 0, "1.0 is a number, expected bool"),
    ("bool", [None], 0, "missing, and the feature is not nullable"),
    ("bool", [NAN], 0, "missing, and the feature is not nullable"),
    ("bool?", np.array([0.5]), 0, "0.5 is neither 0, 1 nor NaN"),
    ("text", [5], 0, "5 is a whole number, expected string"),
    ("text?", ["a", 0.5], 1, "0.5 is a number, expected string"),
    ("text", [None], 0, "missing, and the feature is not nullable"),
    ("text", [NAN], 0, "missing, and the feature is not nullable"),
    ("text", [b"a"], 0, "b'a' is bytes, expected string"),
    ("text", ["ok", "\ud800"], 1, "is not valid Unicode"),
    ("text", np.array([b"a"]), 0, "b'a' is bytes, expected string"),
    ("within", [5, -0.5], 1, "-0.5 is below 0"),
    ("within", [10.000000000000002], 0, "10.000000000000002 is above 10"),
    ("within", np.array([5, 11], np.int8), 1, "11.0 is above 10"),
    ("least", [-1], 0, "-1 is below 0"),
    ("one of", ["a", "c"], 1, "'c' is not one of the 2 declared categories"),
    ("one of int", [3], 0, "3 is not one of the 2 declared categories"),
    ("always", [False], 0, "False is not one of the 1 declared categories"),
    ("text", ["x" * 100_000, 5], 1, "5 is a whole number, expected string"),
    ("float", ["x" * 100_000], 0, "… is text, expected float64"),
]


@pytest.mark.parametrize(("name", "values", "expected"), LOSSLESS, ids=lambda value: repr(value)[:50])
def test_lossless(name: str, values: Any, expected: list[Any]) -> None:
    """Converted to the array a model is trained on, every bit of every value kept."""
    feature = FEATURES[name]
    column = convert(feature, values)
    assert (
        column.dtype == {"float64": np.float64, "int64": np.int64, "bool": np.float64, "string": object}[feature.dtype]
    )
    if feature.dtype == "string":
        assert [repr(value) for value in column] == [repr(value) for value in expected]
    else:
        assert column.tobytes() == np.array(expected, dtype=column.dtype).tobytes()


@pytest.mark.parametrize(("name", "values", "row", "says"), LOSSY, ids=lambda value: repr(value)[:50])
def test_lossy(name: str, values: Any, row: int, says: str) -> None:
    """Refused, with the feature, the row counted from 0, and the value, on one short line."""
    with pytest.raises(InvalidRequest) as caught:
        convert(FEATURES[name], values)
    message = str(caught.value)
    assert message.startswith(f"feature 'f', row {row}: ")
    assert message.endswith(says)
    assert len(message) < 200


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("float", np.array([True])),
        ("float", np.array([1 + 2j])),
        ("float", np.array(["2024-01-01"], "datetime64[ns]")),
        ("float", np.array([1.0], np.longdouble)),
        ("int", np.array([True])),
        ("bool", np.array([1, 0])),
        ("bool", np.array([1.0, 0.0])),
        ("text", np.array([1.0])),
        ("text", np.array([True])),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_arrays_of_another_kind(name: str, array: np.ndarray) -> None:
    """An array whose type has no place in the feature is refused as a whole."""
    with pytest.raises(InvalidRequest, match=f"feature 'f': a tensor of {array.dtype}".replace("[", r"\[")):
        convert(FEATURES[name], array)


def test_arrays_of_another_shape() -> None:
    """A column has one dimension."""
    with pytest.raises(InvalidRequest, match=r"shape \[1, 2\] is not one value a row"):
        convert(FEATURES["float"], np.zeros((1, 2)))


@given(st.lists(st.floats(-LARGEST, LARGEST) | st.just(float("nan")) | st.none(), min_size=1))
def test_floats_keep_every_bit(values: list[float | None]) -> None:
    """Any float64 given as a value, or in an array, is the same float64 in the column; null is NaN."""
    expected = np.array([NAN if value is None else value for value in values])
    assert convert(FEATURES["float?"], values).tobytes() == expected.tobytes()
    assert convert(FEATURES["float?"], expected).tobytes() == expected.tobytes()


@given(st.lists(st.integers(-(2**66), 2**66), min_size=1))
def test_whole_numbers_arrive_or_are_refused(values: list[int]) -> None:
    """A whole number is itself in an int64 and in a float64 column, or is refused: never its neighbour."""
    for name in ("int", "float"):
        try:
            column = convert(FEATURES[name], values)
        except InvalidRequest:
            exact = [float(value) == value for value in values]
            assert not all(
                -(2**63) <= value < 2**63 if name == "int" else fits for value, fits in zip(values, exact, strict=True)
            )
        else:
            assert [int(value) for value in column] == values


def test_an_array_is_not_written_to() -> None:
    """The caller's array, read-only as a request's bytes are, is neither copied without need nor changed."""
    raw = np.frombuffer(np.arange(3.0).tobytes())
    assert not raw.flags.writeable
    assert np.shares_memory(convert(FEATURES["float"], raw), raw)
