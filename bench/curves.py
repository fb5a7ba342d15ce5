"""Growth curves: what a request, or a row that is scored, costs as one number grows, and how steep that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_FITTED = 3  # points


@dataclass(frozen=True)
class Point:
    """At `number`: seconds of CPU and on the clock that one request (or one run of scoring) takes, and the most
    proportional memory (PSS) meanwhile, in bytes.
    """

    number: int
    cpu: float
    wall: float
    memory: int


@dataclass(frozen=True)
class Curve:
    """`points` with a rising `number`; `axis` says what is counted, `of` what is asked. `waits`: it is the time on the
    clock that grows, because requests wait for each other, and not the CPU time of one.
    """

    name: str
    axis: str
    of: str
    points: tuple[Point, ...]
    waits: bool = False

    def costs(self) -> list[float]:
        """Seconds of each point."""
        return [point.wall if self.waits else point.cpu for point in self.points]

    @property
    def slopes(self) -> tuple[float, float]:
        """How steep the cost is on logarithmic axes, 1 where it is linear and 2 for a square: of the last points, where
        what does not grow weighs least, and of the steepest step from one point to the next."""
        numbers, costs = [point.number for point in self.points], self.costs()
        steps = [slope(numbers[place : place + 2], costs[place : place + 2]) for place in range(len(numbers) - 1)]
        return slope(numbers[-_FITTED:], costs[-_FITTED:]), max(steps)

    @property
    def memory_slope(self) -> float:
        """The slope of memory, of the last points."""
        last = self.points[-_FITTED:]
        return slope([point.number for point in last], [float(point.memory) for point in last])

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "name": self.name,
            "axis": self.axis,
            "of": self.of,
            "slope": self.slopes[0],
            "steepest": self.slopes[1],
            "memory_slope": self.memory_slope,
            "points": [vars(point) for point in self.points],
        }

    def lines(self) -> list[str]:
        """For the screen and the report: a line a point, and the slopes."""
        last, steepest = self.slopes
        quantity = "time on the clock" if self.waits else "CPU"
        lines = [
            f"{self.axis} ({self.of}): slope of {quantity} {last:.2f}, of its steepest step {steepest:.2f}, of memory "
            f"{self.memory_slope:.2f}"
        ]
        for point in self.points:
            lines.append(
                f"  {point.number:>9,}  {1e3 * point.cpu:10.3f} ms of CPU  {1e3 * point.wall:10.3f} ms  "
                f"{point.memory / 2**20:7.0f} MiB"
            )
        return lines


def slope(numbers: Sequence[int], costs: Sequence[float]) -> float:
    """The slope of log(cost) by log(number), by least squares."""
    return float(np.polyfit(np.log(numbers), np.log(costs), 1)[0])
