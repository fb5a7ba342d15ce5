"""Pictures for the report: champion and challenger side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from pipeline.pictures import plots

_SLICES = 20
_BETTER, _WORSE, _NEITHER = "#1a7f37", "#cf222e", "#57606a"


def differences(directory: Path, comparison: Mapping[str, Any]) -> None:
    """difference.png: how much better the challenger is, over all rows and on the slices where it does worst."""
    metric, margin = comparison["metric"], comparison["margin"]
    overall = {"name": f"all rows ({comparison['rows']})", "difference": comparison["differences"][metric]}
    slices = [
        {"name": f"{plots.short(part['name'])} ({part['rows']})", "difference": part["difference"]}
        for part in comparison["slices"][:_SLICES]
    ]
    bars = [bar for bar in (overall, *slices) if bar["difference"]["low"] is not None][::-1]
    figure = Figure((8, 1.3 + 0.28 * len(bars)))
    axes = figure.subplots()
    for place, bar in enumerate(bars):
        value, low, high = (bar["difference"][end] for end in ("value", "low", "high"))
        color = _BETTER if low > 0 else _WORSE if high < 0 else _NEITHER
        axes.plot([low, high], [place, place], color=color, linewidth=2 if bar is not overall else 4)
        axes.plot([value], [place], marker="o", color=color, markersize=5 if bar is not overall else 8)
    axes.axvline(0, color="black", linewidth=0.8)
    for limit, words in ((-margin, "margin"), (-comparison["slice_margin"], "margin of a slice")):
        axes.axvline(limit, color=_WORSE, linewidth=0.8, linestyle=":" if words == "margin" else "--", label=words)
    axes.set_yticks(range(len(bars)), [bar["name"] for bar in bars])
    axes.set(xlabel=f"← champion better   {metric}   challenger better →", ylim=(-0.6, len(bars) - 0.4))
    axes.set_title("challenger against champion, same rows", loc="left")
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    plots.png(directory / "difference.png", figure)


def reliability(
    directory: Path, task: str, comparison: Mapping[str, Any] | None, bins: Sequence[Mapping[str, Any]]
) -> None:
    """reliability.png and .csv: of both models on the rows compared, or of the challenger's `bins` alone."""
    plots.reliability(directory, task, comparison["calibration"] if comparison else {"challenger": bins})
