"""Growth curves as a PNG: a panel a curve on logarithmic axes, the cost on the left, memory on the right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from bench.curves import Curve

_COST, _MEMORY, _LINEAR = "#1b6ca8", "#e0913a", "#b8b8b8"
_ACROSS = 2  # panels in a row


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Write the PNG."""
    down = math.ceil(len(curves) / _ACROSS)
    figure = Figure(figsize=(7 * _ACROSS, 4.2 * down), layout="constrained")
    panels = figure.subplots(down, _ACROSS, squeeze=False).ravel()
    for curve, axes in zip(curves, panels, strict=False):
        _panel(curve, axes)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    figure.savefig(path, dpi=110)


def _panel(curve: Curve, axes: Axes) -> None:
    numbers = [point.number for point in curve.points]
    costs = [1e3 * cost for cost in curve.costs()]
    memory = axes.twinx()
    memory.plot(numbers, [point.memory / 2**20 for point in curve.points], "s:", color=_MEMORY)
    axes.plot([], [], "s:", color=_MEMORY, label="memory (PSS), on the right")
    axes.plot(numbers, costs, "o-", color=_COST, label="cost")
    axes.plot(
        numbers, [costs[-1] * number / numbers[-1] for number in numbers], "--", color=_LINEAR, label="linear growth"
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    memory.set_yscale("log")
    axes.set_ylim(min(costs) / 3, max(costs) * 3)
    for panel in (axes, memory):
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_locator(NullLocator())
    memory.set_ylim(10, max(2000, *(4 * point.memory / 2**20 for point in curve.points)))
    axes.set_xlabel(curve.axis)
    axes.set_ylabel("ms on the clock (p50)" if curve.waits else "ms of CPU")
    memory.set_ylabel("MiB")
    axes.set_title(f"{curve.of}\nslope of the last points {curve.slopes[0]:.2f}", loc="left", fontsize=10)
