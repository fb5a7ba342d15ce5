"""What a call of an engine costs, by a fixed rule: timing engines while packaging would give equal models different
artifacts.

`python -m bench.engine_costs` times engines on models of many shapes, says what these figures lose, and searches for
better ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Self

ROWS = (1, 32, 1000)  # of a call, for which the cheapest engine is chosen
PAYS = 1.3  # another engine serves beside the first where it is so many times as fast for one of these

# Of a call, and of each row in it: how much there is of what costs time, and the microseconds that each takes.
Amounts = tuple[Sequence[float], Sequence[float]]
Prices = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class Cost:
    """Microseconds of a call on one core: `call`, and `row` for each row."""

    call: float
    row: float

    @classmethod
    def from_prices(cls, prices: Prices, amounts: Amounts) -> Self:
        """What a call and a row cost that have such amounts of what `prices` are for."""
        return cls(*(sum(map(mul, price, amount)) for price, amount in zip(prices, amounts, strict=True)))

    def of(self, rows: int) -> float:
        """The microseconds of a call of `rows` rows."""
        return self.call + self.row * rows


def plan(costs: Mapping[str, Cost]) -> list[tuple[str, int | None]]:
    """The engines to serve with, each with the most rows of a call that it is for; None for any number.

    The engine that is cheapest for one row serves, and with it one that pays for 32 or 1,000 rows, from where it is
    cheaper. The first of `costs` is chosen among equals.
    """
    names = [min(costs, key=lambda name: costs[name].of(ROWS[0]))]
    limits: list[int | None] = []
    for rows in ROWS[1:]:
        before = costs[names[-1]]
        best = min(costs, key=lambda name: costs[name].of(rows))
        if best != names[-1] and before.of(rows) >= PAYS * costs[best].of(rows):
            # Cheaper for one row and dearer for many: from where the two lines cross.
            limits.append(int((costs[best].call - before.call) / (before.row - costs[best].row)))
            names.append(best)
    return list(zip(names, [*limits, None], strict=True))
