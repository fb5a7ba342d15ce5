"""The goals: ratios to KServe's sklearn server in one run, one worker, same logging. The one table of them."""

from __future__ import annotations

from dataclasses import dataclass

from bench.kinds import CONNECTIONS
from bench.results import Results

_ROW = ("v1-1", "v2-1")


@dataclass(frozen=True)
class Goal:
    """`least` for throughput, `most` for p99, start and memory; `stretch` is the same in a better world.

    Empty `kinds` for start and memory, which belong to a model alone.
    """

    measure: str
    models: tuple[str, ...]
    kinds: tuple[str, ...] = ("",)
    connections: tuple[int, ...] = (0,)
    least: float | None = None
    most: float | None = None
    stretch: float | None = None

    @property
    def text(self) -> str:
        """As the table shows it."""
        if self.most is not None:
            return f"≤ 1/{1 / self.most:g}"
        return f"≥ {self.least:g}×" + (f" (stretch {self.stretch:g}×)" if self.stretch else "")

    def reached(self, ratio: float) -> bool:
        """Whether `ratio` is good enough."""
        return (self.least is None or ratio >= self.least) and (self.most is None or ratio <= self.most)


GOALS = (
    Goal("throughput", ("logistic",), ("v1-1",), (8, 64), least=8, stretch=12),
    Goal("throughput", ("logistic",), ("v2-1",), CONNECTIONS, least=8, stretch=12),
    Goal("throughput", ("forest",), _ROW, (1,), least=20),
    Goal("throughput", ("forest",), _ROW, (8,), least=50),
    Goal("throughput", ("forest",), _ROW, (64,), least=70),
    Goal("throughput", ("mixed",), _ROW, CONNECTIONS, least=25),
    Goal("throughput", ("logistic",), ("v1-1000",), CONNECTIONS, least=5),
    Goal("throughput", ("logistic",), ("v2-1000",), CONNECTIONS, least=10),
    Goal("throughput", ("logistic",), ("binary-1000",), CONNECTIONS, least=14),
    Goal("throughput", ("mixed",), ("v2-1000",), CONNECTIONS, least=8),
    Goal("throughput", ("forest",), ("v2-1000", "binary-1000"), CONNECTIONS, least=4),
    Goal("throughput", ("logistic",), ("grpc-1",), CONNECTIONS, least=2.6),
    Goal("throughput", ("forest",), ("grpc-1",), CONNECTIONS, least=14),
    Goal("p99", ("logistic", "forest", "mixed"), _ROW, (8, 64), most=1 / 6),
    Goal("start", ("logistic", "forest", "mixed"), most=1 / 3.5),
    Goal("memory", ("logistic",), most=1 / 2),
)


@dataclass(frozen=True)
class Outcome:
    """A goal where it applies, and what was measured there; None where it was not measured."""

    goal: Goal
    model: str
    kind: str
    connections: int
    ratio: float | None

    @property
    def mark(self) -> str:
        """`✓` reached, `✓✓` beyond the stretch, `✗` not; nothing where it was not measured."""
        if self.ratio is None:
            return ""
        if not self.goal.reached(self.ratio):
            return "✗"
        return "✓✓" if self.goal.stretch is not None and self.ratio >= self.goal.stretch else "✓"


def outcomes(results: Results) -> list[Outcome]:
    """Every goal that this run measured."""
    outcomes = [
        Outcome(goal, model, kind, connections, results.ratio(goal.measure, model, kind, connections))
        for goal in GOALS
        for model in goal.models
        for kind in goal.kinds
        for connections in goal.connections
    ]
    return [outcome for outcome in outcomes if outcome.ratio is not None]
