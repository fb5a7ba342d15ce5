"""What a person looks at: predictions against the truth, and which features matter; PNG, and CSV for `dvc plots`."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from artifact.signature import label_text

POINTS = 2000  # of a residuals plot: more of them only hide each other
_BARS = 30
_ANNOTATED = 20


def confusion(directory: Path, classes: np.ndarray, target: np.ndarray, label: np.ndarray) -> None:
    """predictions.csv and .png of a classification: how many rows of each class got each label."""
    names = [label_text(name) for name in classes]
    rows, columns = np.searchsorted(classes, target), np.searchsorted(classes, label)
    table = np.bincount(rows * len(names) + columns, minlength=len(names) ** 2).reshape(len(names), -1)
    cells = [
        (names[row], names[column], int(table[row, column]))
        for row in range(len(names))
        for column in range(len(names))
    ]
    _csv(directory / "predictions.csv", ("actual", "predicted", "rows"), cells)
    size = min(12.0, 3 + 0.5 * len(names))
    figure = Figure((size + 0.5, size))
    axes = figure.subplots()
    axes.imshow(table, cmap="Blues")
    axes.set(xlabel="predicted", ylabel="actual", title=f"confusion matrix, {len(target)} held-out rows")
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    if len(names) <= _ANNOTATED:
        for (row, column), count in np.ndenumerate(table):
            color = "white" if count > table.max() / 2 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color)
    png(directory / "predictions.png", figure)


def residuals(directory: Path, target: np.ndarray, values: np.ndarray) -> None:
    """predictions.csv and .png of a regression: up to POINTS held-out rows, evenly spaced through the holdout."""
    picked = np.unique(np.linspace(0, len(target) - 1, min(POINTS, len(target))).round().astype(int))
    actual, predicted = target[picked], values[picked]
    pairs = zip(actual.tolist(), predicted.tolist(), strict=True)
    _csv(directory / "predictions.csv", ("actual", "predicted"), pairs)
    figure = Figure((6, 4.5))
    axes = figure.subplots()
    axes.scatter(predicted, actual - predicted, s=12, alpha=0.6)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="predicted", ylabel="actual − predicted", title=f"residuals, {len(picked)} held-out rows")
    png(directory / "predictions.png", figure)


def importance(directory: Path, features: Sequence[str], mean: np.ndarray, spread: np.ndarray, metric: str) -> None:
    """importance.csv and .png: how much `metric` falls when a feature is shuffled, most important first."""
    order = sorted(range(len(features)), key=lambda index: (-mean[index], index))
    rows = [(features[index], float(mean[index]), float(spread[index])) for index in order]
    _csv(directory / "importance.csv", ("feature", "importance", "spread"), rows)
    top = rows[:_BARS][::-1]
    figure = Figure((7, 1.2 + 0.3 * len(top)))
    axes = figure.subplots()
    axes.barh([short(name) for name, _, _ in top], [value for _, value, _ in top], xerr=[sd for _, _, sd in top])
    axes.set(xlabel=f"fall of {metric} when shuffled", title="feature importance (permutation, held-out rows)")
    png(directory / "importance.png", figure)


def reliability(directory: Path, task: str, curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """reliability.csv and .png: in each bin of `calibration`, what was observed against what was predicted."""
    rows = [
        (name, point["predicted"], point["observed"], point["rows"]) for name, bins in curves.items() for point in bins
    ]
    _csv(directory / "reliability.csv", ("model", "predicted", "observed", "rows"), rows)
    figure = Figure((5, 4.5))
    axes = figure.subplots()
    ends = [value for _, predicted, observed, _ in rows for value in (predicted, observed)] or [0.0, 1.0]
    axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color="black", linewidth=0.8, linestyle="--")
    for name, marker in zip(curves, "os", strict=False):
        mine = [row for row in rows if row[0] == name]
        most = max((count for *_, count in mine), default=1)
        xs, ys = [row[1] for row in mine], [row[2] for row in mine]
        axes.plot(xs, ys, linewidth=0.8)
        # The larger the mark, the more rows: a small one may be chance.
        axes.scatter(xs, ys, [15 + 150 * row[3] / most for row in mine], marker=marker, alpha=0.7, label=name)
    axes.set(
        xlabel="probability of the likeliest class" if task == "classification" else "predicted",
        ylabel="share of rows where it was right" if task == "classification" else "actual (mean)",
        title="calibration",
    )
    axes.legend()
    png(directory / "reliability.png", figure)


def short(name: str) -> str:
    """A name that fits beside an axis, and that matplotlib does not read as a formula."""
    return (name if len(name) <= 32 else name[:31] + "…").replace("$", r"\$")


def _csv(path: Path, header: Sequence[str], rows: Any) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def png(path: Path, figure: Figure) -> None:
    """Save `figure`, the same bytes everywhere."""
    # Without Software the bytes do not name the version of matplotlib.
    with mpl.rc_context({"font.family": "DejaVu Sans"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks is drawn as boxes
        figure.savefig(path, dpi=100, bbox_inches="tight", metadata={"Software": None})
