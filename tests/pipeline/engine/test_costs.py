"""The rule by which engines are chosen: figures alone, so that equal models get equal engines on any machine."""

from __future__ import annotations

import pytest

from pipeline.engine.costs import Cost, plan


@pytest.mark.parametrize(
    ("costs", "engines"),
    [
        ({"a": Cost(10, 4), "b": Cost(60, 2)}, [("a", 25), ("b", None)]),
        ({"a": Cost(10, 4), "b": Cost(60, 3.9)}, [("a", None)]),
        ({"a": Cost(10, 4), "b": Cost(1_000, 3.2)}, [("a", None)]),
        ({"a": Cost(10, 4), "b": Cost(9, 2)}, [("b", None)]),
        ({"a": Cost(10, 40), "b": Cost(100, 8), "c": Cost(2_000, 1)}, [("a", 2), ("b", 271), ("c", None)]),
        ({"a": Cost(10, 4), "b": Cost(10, 4)}, [("a", None)]),
    ],
    ids=["crossing", "little gain", "crossing too late", "always cheaper", "three", "equal"],
)
def test_plan(costs: dict[str, Cost], engines: list[tuple[str, int | None]]) -> None:
    """The engine that is cheapest for one row, and another from where it is cheaper, if it pays at 32 or 1,000 rows."""
    assert plan(costs) == engines


def test_priced() -> None:
    """What there is times what it takes, of a call and of a row."""
    assert Cost.from_prices(((2.0, 3.0), (0.5,)), ((1, 10), (4,))) == Cost(32.0, 2.0)
