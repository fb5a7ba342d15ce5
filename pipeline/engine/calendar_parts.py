"""CalendarFeatures of moments in an ONNX graph: the calendar's arithmetic on seconds since 1970, exact in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from onnx import TensorProto

from features.calendar import PARTS, CalendarFeatures
from pipeline.engine.graph import Column, Graph, Matrix, NoGraph, columns_of

_BILLION = 1e9
_LAST = 2.0**63 / _BILLION  # seconds on either side of 1970 that pandas has nanoseconds for
_DAY = 86_400.0
_MOST = {"month": 12, "day": 31, "day_of_week": 6, "day_of_year": 366, "hour": 23, "minute": 59}


def add(graph: Graph, transformer: CalendarFeatures, table: Sequence[Column]) -> list[Column]:
    """Write the transformer of columns of dtype datetime or date; NoGraph where one is a text."""
    if any(matrix.text for matrix, _ in table):
        raise NoGraph("CalendarFeatures reads dates in texts, which a graph cannot; declare them as date or datetime")
    parts: list[Matrix] = []
    for matrix, place in table:
        calendar = _Calendar(graph, graph.take(matrix, [place]).name)
        for part in transformer.parts:
            value = calendar.part(part)
            cycle = PARTS[part] if transformer.cyclic else None
            parts += [Matrix(value, 1)] if cycle is None else _turned(graph, value, _MOST[part], cycle)
    return columns_of(graph.side_by_side(parts))


def _turned(graph: Graph, value: str, most: int, cycle: float) -> list[Matrix]:
    """Sine and cosine of a part, a whole number up to `most`, as numpy computes them; NaN where it is missing."""
    angles = np.arange(most + 1.0) * (2.0 * np.pi / cycle)
    filled = graph.add("Where", graph.add("IsNaN", value), graph.constant([most + 1.0]), value)
    place = graph.add("Reshape", graph.cast(filled, TensorProto.INT64), graph.constant(np.array([-1])))
    curves = []
    for curve in (np.sin, np.cos):
        values = np.append(curve(angles), np.nan)[:, None]
        curves.append(Matrix(graph.add("Gather", graph.constant(values), place, axis=0), 1))
    return curves


class _Calendar:
    """The parts of one column of seconds since 1970 UTC, [rows, 1]; NaN where it is missing or beyond pandas' years.

    Days become a date of the Gregorian calendar whose years begin in March, so that a leap day ends one
    (Hinnant, chrono-Compatible Low-Level Date Algorithms, 2013, civil_from_days).
    """

    def __init__(self, graph: Graph, seconds: str) -> None:
        self._graph = graph
        far = self._by("Greater", graph.add("Abs", seconds), _LAST)
        seconds = graph.add("Where", far, graph.constant([np.nan]), seconds)
        # pandas rounds to nanoseconds, which may be the next second.
        whole = graph.add("Floor", seconds)
        rest = self._by("Mul", graph.add("Sub", seconds, whole), _BILLION)
        rounded = graph.add("Floor", self._by("Add", rest, 0.5))
        next_one = graph.cast(self._by("GreaterOrEqual", rounded, _BILLION), TensorProto.DOUBLE)
        self._seconds = graph.add("Add", whole, next_one)
        self._days = self._over(self._seconds, _DAY)
        self._date: dict[str, str] = {}

    def part(self, name: str) -> str:
        """The part `name` of `features.calendar.PARTS`, [rows, 1]."""
        makers: dict[str, Callable[[], str]] = {
            "hour": lambda: self._over(self._within(self._seconds, _DAY), 3600.0),
            "minute": lambda: self._over(self._within(self._seconds, 3600.0), 60.0),
            "day_of_week": lambda: self._within(self._by("Add", self._days, 3.0), 7.0),  # 1970 began with a Thursday
        }
        return makers[name]() if name in makers else self._dated()[name]

    def _dated(self) -> dict[str, str]:
        if self._date:
            return self._date
        add, minus = self._graph.add, "Sub"
        day = self._by("Add", self._days, 719_468.0)  # since 0000-03-01
        era = self._over(day, 146_097.0)  # of 400 years
        of_era = self._within(day, 146_097.0)
        leaps = add(minus, self._over(of_era, 36_524.0), self._over(of_era, 1460.0))
        leaps = add(minus, leaps, self._over(of_era, 146_096.0))
        year = self._over(add("Add", of_era, leaps), 365.0)
        before = add(minus, add("Add", self._by("Mul", year, 365.0), self._over(year, 4.0)), self._over(year, 100.0))
        of_year = add(minus, of_era, before)  # days since March 1
        march = self._over(self._by("Add", self._by("Mul", of_year, 5.0), 2.0), 153.0)  # months since March
        begun = self._over(self._by("Add", self._by("Mul", march, 153.0), 2.0), 5.0)
        late = self._graph.cast(self._by("GreaterOrEqual", march, 10.0), TensorProto.DOUBLE)  # January and February
        full_year = add("Add", add("Add", year, self._by("Mul", era, 400.0)), late)
        since_january = self._by("Add", add("Add", of_year, self._leap(full_year)), 60.0)
        self._date = {
            "year": full_year,
            "month": add(minus, self._by("Add", march, 3.0), self._by("Mul", late, 12.0)),
            "day": self._by("Add", add(minus, of_year, begun), 1.0),
            "day_of_year": add(
                "Where", self._by("GreaterOrEqual", march, 10.0), self._by("Sub", of_year, 305.0), since_january
            ),
        }
        return self._date

    def _leap(self, year: str) -> str:
        """1 where the year has 366 days, 0 elsewhere."""
        fours, hundreds, all_four = (
            self._graph.cast(self._by("Equal", self._within(year, every), 0.0), TensorProto.DOUBLE)
            for every in (4.0, 100.0, 400.0)
        )
        return self._graph.add("Add", self._graph.add("Sub", fours, hundreds), all_four)

    def _by(self, operator: str, value: str, number: float) -> str:
        return self._graph.add(operator, value, self._graph.constant([number]))

    def _over(self, value: str, number: float) -> str:
        """How often `number` goes into each value, rounded down."""
        return self._graph.add("Floor", self._by("Div", value, number))

    def _within(self, value: str, number: float) -> str:
        """What is left then."""
        return self._graph.add("Sub", value, self._by("Mul", self._over(value, number), number))
