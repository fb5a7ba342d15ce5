"""A value in a message: the beginning of its repr, and no more work than that takes."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artifact.excerpt import excerpt

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES, st.integers(0, 60))
@example({"0'": 0}, 1)
@example("0000'\"", 2)
def test_the_beginning(value: Any, longest: int) -> None:
    """What is shown is the repr, or as many characters of it as may be, and a mark that there are more."""
    text = repr(value)
    assert excerpt(value, longest) == (text if len(text) <= longest else text[:longest] + "…")


def _deep() -> Any:
    value: Any = 0
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", ["a" * 10**6, [1.5] * 10**6, [[]] * 10**6, [{"a": 1}] * 10**6, _deep()], ids=range(5))
def test_great_values(value: Any) -> None:
    """Of a great or deep value nothing is written but its beginning."""
    tracemalloc.start()
    try:
        assert len(excerpt(value, 80)) == 81
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
