"""Sets of rows at or below limits: the same as comparing each number with each limit, whatever the limits are."""

from __future__ import annotations

import numpy as np
import pytest

from artifact.engines.row_sets import RowSets

ROWS = 300
_RANDOM = np.random.default_rng(3)
LIMITS = {
    "one": [0.5],
    "none that is finite": [-np.inf, np.inf],
    "as far apart as can be": [-np.inf, -1.7e308, -5e-324, 0.0, 5e-324, 1.7e308, np.inf],
    "neighbours": 1 + np.arange(40) * 2.0**-52,
    "the least there are": [0.0, 5e-324],
    "even": np.linspace(-2, 2, 200),
    "with a long tail": np.exp(3 * _RANDOM.normal(size=300)),
    "with two long tails, of which sorting tells the ranks": _RANDOM.standard_cauchy(300),
}


def _bits(sets: np.ndarray) -> np.ndarray:
    return np.unpackbits(sets.view(np.uint8), axis=1, count=ROWS, bitorder="little").astype(bool)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("gaps", [False, True])
def test_the_rows_at_or_below_each_limit(dtype: type, gaps: bool) -> None:
    """On, beside and far from limits of every sort, all columns at once, and those whose number is missing."""
    limits = [np.sort(np.array(some, np.float64)) for some in LIMITS.values()]
    near = [np.concatenate([some, np.nextafter(some, np.inf), np.nextafter(some, -np.inf)]) for some in limits]
    special = [0.0, -0.0, np.inf, -np.inf, 1e300, *([np.nan] if gaps else [])]
    with np.errstate(over="ignore"):  # 1e300 is too large for float32
        numbers = np.array([_RANDOM.choice([*some, *special], ROWS) for some in near]).astype(dtype)
    begins = np.cumsum([0, *map(len, limits)])
    sets = RowSets(np.concatenate(limits), begins, ROWS + 100)
    below, missing = sets.below(numbers, gaps)
    for column, some in enumerate(limits):
        places = sets.places[begins[column] : begins[column + 1]]
        assert (_bits(below[places]) == (numbers[column] <= some[:, None])).all(), list(LIMITS)[column]
    assert (_bits(missing) == np.isnan(numbers)).all()
