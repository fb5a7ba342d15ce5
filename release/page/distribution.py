"""What training saw of one column, as a small drawing: bars as wide as their values, or one for each name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from artifact.feature import TIMES

WIDTH, HEIGHT = 180, 36  # of the drawing, in pixels
_NAMES = 6  # categories that are drawn


@dataclass(frozen=True)
class Bar:
    """Of a drawing, in pixels from the left upper corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Distribution:
    """`words`: from where to where, or the most frequent names; `missing` of the rows had no value."""

    bars: Sequence[Bar]
    words: str
    missing: int


def of(summary: Mapping[str, Any], dtype: str) -> Distribution:
    """Of one entry of profile.json, whose column has `dtype`."""
    if summary["kind"] == "categorical":
        return _of_names(summary)
    low, high = summary["min"], summary["max"]
    if low is None:
        return Distribution((), "no value", summary["missing"])
    words = _number(low, dtype) if low == high else f"{_number(low, dtype)} to {_number(high, dtype)}"
    edges = [low, *summary["edges"], high]
    # As many rows a pixel, not a bin: bins are as full as each other, and differ in width.
    bins = zip(edges, edges[1:], summary["counts"], strict=False)
    spans = [(start, end, count) for start, end, count in bins if end > start]
    densest = max((count / (end - start) for start, end, count in spans), default=1)
    bars = [
        _bar((start - low) / (high - low), (end - start) / (high - low), count / (end - start) / densest)
        for start, end, count in spans
    ]
    return Distribution(bars, words, summary["missing"])


def _of_names(summary: Mapping[str, Any]) -> Distribution:
    counts = sorted(summary["counts"].items(), key=lambda item: (-item[1], item[0]))
    frequent = counts[:_NAMES]
    bars = [_bar(place / _NAMES, 0.8 / _NAMES, count / counts[0][1]) for place, (_, count) in enumerate(frequent)]
    rest = sum(count for _, count in counts[_NAMES:]) + summary["other"]
    words = ", ".join(f"{name} {count}" for name, count in frequent) + (f", others {rest}" if rest else "")
    return Distribution(bars, words, summary["missing"])


def _bar(left: float, width: float, height: float) -> Bar:
    tall = height * HEIGHT
    return Bar(round(left * WIDTH, 1), round(HEIGHT - tall, 1), round(max(width * WIDTH, 1), 1), round(tall, 1))


def _number(value: float, dtype: str) -> str:
    if dtype in TIMES:  # seconds since 1970, UTC
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d" if dtype == "date" else "%Y-%m-%d %H:%M")
    return f"{value:.4g}"
