"""Draw the dashboard of one environment as one HTML page, for users without Grafana."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping, Sequence

import numpy as np

from monitoring import arguments
from monitoring.page import Page
from monitoring.prometheus import Grid, Prometheus, Series
from monitoring.rules.panels import ROWS, Panel

_POINTS = 240
_UNITS = {"reqps": "a second", "percentunit": "share", "s": "seconds", "bytes": "bytes"}


def drawn(prometheus: Prometheus, namespace: str, start: float, end: float) -> str:
    """The page of what happened from `start` to `end`, seconds since 1970; StorageError (30) as Prometheus.range."""
    step = max(1.0, (end - start) / (_POINTS - 1))
    grid = Grid(start, step, int((end - start) / step) + 1)
    page = Page(f"{namespace}: {_clock(start)} to {_clock(grid.end)}")
    for title, row in ROWS:
        page.heading(title)
        for panel in row:
            lines = [(name, series.values) for name, series in series_of(prometheus, panel, namespace, grid)]
            page.lines(
                panel.title if panel.unit == "none" else f"{panel.title}, {_UNITS[panel.unit]}", lines, panel.about
            )
    return page.render()


def series_of(prometheus: Prometheus, panel: Panel, namespace: str, grid: Grid) -> list[tuple[str, Series]]:
    """Every series of the panel, with its legend."""
    panel_series: list[tuple[str, Series]] = []
    for query, legend in panel.of(namespace):
        for series in prometheus.range(query, grid):
            if np.isfinite(series.values).any():
                panel_series.append((_legend(legend, series.labels), series))
    return panel_series


def _legend(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda name: labels.get(name[1], ""), legend).strip()


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def main(argv: Sequence[str] | None = None) -> None:
    """As `drawn`."""
    line = argparse.ArgumentParser(prog="python -m monitoring board", description=__doc__)
    line.add_argument("--prometheus", required=True, metavar="URL")
    line.add_argument("--namespace", required=True, help="as iris-production")
    line.add_argument("--hours", type=arguments.positive, default=24, help="until now (%(default)s)")
    line.add_argument("--page", type=arguments.page, required=True, metavar="FILE", help="to write")
    options = line.parse_args(argv)
    now = time.time()
    options.page.write_text(
        drawn(Prometheus(options.prometheus), options.namespace, now - options.hours * 3600, now), encoding="utf-8"
    )
