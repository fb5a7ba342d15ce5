"""One message as bars: how many times the requests a second of KServe's own server ours answers."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.kinds import KINDS
from bench.peers import BASE
from bench.results import Results

_CONNECTIONS = 8  # between one client and an overload; the table has the others
_ROW_INCHES = 0.42
# Background, text, bar, and the line at 1: GitHub's and the site's own colours, in light and in dark.
_LIGHT = ("#ffffff", "#1f2328", "#1b6ca8", "#8c959f")
_DARK = ("#0d1117", "#e6edf3", "#58a6ff", "#7d8590")


def draw(results: Results, path: Path, dark: bool = False) -> None:
    """Write a PNG of the throughput ratios; nothing where KServe's server was not measured beside ours."""
    groups = {
        model: bars for model in dict.fromkeys(row.model for row in results.rows) if (bars := _bars(results, model))
    }
    if not groups:
        return
    background, text, *colours = _DARK if dark else _LIGHT
    sizes = [len(bars) for bars in groups.values()]
    figure = Figure(figsize=(9, 1.6 + _ROW_INCHES * (sum(sizes) + len(sizes))), layout="constrained")
    figure.set_facecolor(background)
    panels = figure.subplots(len(groups), squeeze=False, height_ratios=[size + 1 for size in sizes], sharex=True)[:, 0]
    for (model, bars), axes in zip(groups.items(), panels, strict=True):
        _panel(axes, f"{model}: {results.engines.get(model, '–')}", bars, background, text, colours)
    title = f"Requests a second, as a multiple of KServe's sklearn server (the line)\n{_CONNECTIONS} connections"
    figure.suptitle(title, fontsize=15, color=text)
    figure.savefig(path, dpi=120)


def _bars(results: Results, model: str) -> list[tuple[str, float, str]]:
    """Kind of request, ratio, and the ratio as it is written, for each kind that both servers answered."""
    bars = []
    for name, kind in KINDS.items():
        row = results.row(model, name, _CONNECTIONS, "ours")
        ratio = results.ratio("throughput", model, name, _CONNECTIONS)
        if row is not None and ratio is not None and results.row(model, name, _CONNECTIONS, BASE):
            bars.append((kind.title, ratio, f"{ratio:.1f}×" + (" or more" if row.client_limited else "")))
    return bars


def _panel(
    axes: Axes, title: str, bars: list[tuple[str, float, str]], background: str, text: str, colours: list[str]
) -> None:
    bar, line = colours
    labels, ratios, texts = zip(*bars, strict=True)
    drawn = axes.barh(range(len(bars)), ratios, 0.7, color=bar)
    axes.bar_label(drawn, texts, padding=4, fontsize=12, color=text)
    axes.axvline(1, color=line, linewidth=1)
    axes.set_yticks(range(len(bars)), labels, fontsize=12, color=text)
    axes.invert_yaxis()
    axes.set_title(title, loc="left", fontsize=13, color=text)
    axes.margins(x=0.15)
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.tick_params(axis="y", length=0)
    axes.set_facecolor(background)
    for side in axes.spines.values():
        side.set_visible(False)
