"""Values packed in C: only what is exactly what it looks like there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from artifact.validation import packing

MANY = 40_000  # values, of which 32,768 are looked at at once


@pytest.mark.parametrize("form", [list, tuple])
def test_booleans(form: type) -> None:
    """Booleans, few or many, are an array of booleans."""
    values = [place % 3 == 0 for place in range(MANY)]
    for count in (1, 2, 1000, MANY):
        packed = packing.booleans(form(values[:count]))
        assert packed is not None
        assert packed.dtype == np.bool_
        assert packed.tolist() == values[:count]


def deep() -> Any:
    """A list in a list, 3,000 times."""
    value: Any = True
    for _ in range(3000):
        value = [value]
    return value


OTHERS = [None, 0, 1, 1.0, "T", "", "F" * 9, [], [True], {}, {"T": True}, ..., deep()]


@pytest.mark.parametrize("other", range(len(OTHERS)))
@pytest.mark.parametrize("count", [1, 1000, MANY])
def test_no_booleans(other: int, count: int) -> None:
    """One other value among booleans, wherever it stands, is seen."""
    for place in (0, count // 2, count - 1):
        values: list[Any] = [True] * count
        values[place] = OTHERS[other]
        assert packing.booleans(values) is None
