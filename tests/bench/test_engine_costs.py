"""The figures of the rule that chooses engines: judged by what wrong choices cost, searched until they cost less."""

from __future__ import annotations

from artifact.engines.table import ONNX, TREES
from bench.engine_costs import COUNTS, Timed, loss, losses, searched
from pipeline.engine.costs import Cost

PRICES = {ONNX: ((10.0,), (0.5, 0.004)), TREES: ((40.0,), (0.25, 0.001))}


def timing(nodes: float, slower: float = 1.0) -> Timed:
    """A model of so many nodes, timed as the prices say; its trees `slower` times as slow."""
    counts = dict.fromkeys(PRICES, ((1.0,), (1.0, nodes)))
    times = {
        name: {
            rows: Cost.from_prices(prices, counts[name]).of(rows) * (slower if name == TREES else 1) for rows in COUNTS
        }
        for name, prices in PRICES.items()
    }
    return Timed(f"{nodes}", counts, times)


def test_searched() -> None:
    """From prices by which the trees look three times as dear as they are, the search comes to right choices."""
    results = [timing(nodes) for nodes in (0, 10, 100, 1000, 5000)]
    wrong = {**PRICES, TREES: ((120.0,), (0.75, 0.003))}
    better = searched(wrong, results)
    assert loss(results, wrong) > 1.2
    assert loss(results, better) < 1.05


def test_losses_name_the_worst() -> None:
    """Where the trees are ten times as slow as their price says, that is what the rule loses, by model and rows."""
    (ratio, text), *_ = losses([timing(1000, slower=10.0)], PRICES)
    assert ratio > 1.5
    assert text.startswith("1000: 32 rows by trees, ")
