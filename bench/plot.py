"""The ratios as bars, a panel a model: how many times KServe's own server, on a logarithmic axis, with the goals."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import goals
from bench.kinds import KINDS
from bench.peers import BASE, PEERS
from bench.results import Results

_COLOURS = {"ours": "#1b6ca8", "mlserver": "#e0913a", "fastapi": "#7aa874", "floor": "#b8b8b8"}
_WIDTH = 0.8  # of a group of bars


def draw(results: Results, path: Path) -> None:
    """Write a PNG of the throughput ratios; nothing where KServe's server was not measured."""
    models = list(dict.fromkeys(row.model for row in results.rows if row.peer == BASE))
    if not models:
        return
    figure = Figure(figsize=(14, 4.2 * len(models)), layout="constrained")
    panels = figure.subplots(len(models), squeeze=False)[:, 0]
    for model, axes in zip(models, panels, strict=True):
        _panel(results, model, axes)
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
    figure.suptitle("requests a second, as a multiple of KServe's sklearn server (= 1)\n◊: the client was the limit")
    figure.savefig(path, dpi=110)


def _panel(results: Results, model: str, axes: Axes) -> None:
    cells = list(dict.fromkeys((row.kind, row.connections) for row in results.rows if row.model == model))
    peers = {row.peer for row in results.rows if row.model == model}
    names = [name for name in PEERS if name in peers - {BASE}]
    width = _WIDTH / max(1, len(names))
    for number, name in enumerate(names):
        at, heights, labels = [], [], []
        for position, (kind, connections) in enumerate(cells):
            ratio = results.ratio("throughput", model, kind, connections, name)
            if ratio is not None:
                at.append(position + (number - (len(names) - 1) / 2) * width)
                heights.append(ratio)
                row = results.row(model, kind, connections, name)
                labels.append(f"{ratio:.1f}" + (" ◊" if row and row.client_limited else ""))
        bars = axes.bar(at, heights, width, label=PEERS[name].title, color=_COLOURS[name])
        axes.bar_label(bars, labels, fontsize=7)
    label = "goal"
    for position, (kind, connections) in enumerate(cells):
        outcome = goals.outcome(results, "throughput", model, kind, connections)
        if outcome and outcome.goal.least:
            axes.hlines(outcome.goal.least, position - 0.45, position + 0.45, color="#c0392b", label=label)
            label = "_"  # one entry in the legend
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xticks(range(len(cells)), [f"{KINDS[kind].title}\n{count} conn." for kind, count in cells], fontsize=7)
    axes.set_title(f"{model} ({results.engines.get(model, '–')})", loc="left")
