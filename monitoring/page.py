"""Builds one HTML page of text, tables, bars and lines over time, without scripts or files from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

_WIDTH, _HEIGHT = 640, 160
_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #353d47); --blue: light-dark(#06c, #5b9be0) }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: light-dark(#222, #e3e8ee); background: light-dark(#fff, #14181d) }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2rem .6rem .2rem 0 }
td { border-top: 1px solid var(--line); vertical-align: top } code { font-size: .85em; overflow-wrap: anywhere }
h1, h3 { overflow-wrap: anywhere } .wide { overflow-x: auto }
svg { width: 100%; height: auto; background: light-dark(#fafafa, #1d232a) }
.decides { stroke: light-dark(#b00, #ff8f86); stroke-dasharray: 4 3 }
.bins { margin: .2rem 0; font-size: .8rem; opacity: .8 }
.line { fill: none; stroke: var(--blue); stroke-width: 1.5 } .live { fill: var(--blue) }
.trained { fill: light-dark(#bbb, #6b7683) }
.verdict { padding: .6rem 1rem; border-left: 4px solid var(--blue); background: light-dark(#f2f7fd, #1d232a) }
"""


@dataclass
class Page:
    """Built from top to bottom; every text is escaped here."""

    title: str
    _parts: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """A section begins."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text: str, kind: str = "") -> None:
        """A paragraph; `kind` is `verdict` for what the page comes to."""
        self._parts.append(f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """One row for each of `rows`, of as many cells as `head`."""
        cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
        lines = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        self._parts.append(f'<div class="wide"><table><tr>{cells}</tr>{lines}</table></div>')

    def code(self, lines: Sequence[str]) -> None:
        """Lines as they are typed."""
        self._parts.append("".join(f"<p><code>{html.escape(line)}</code></p>" for line in lines))

    def line(self, name: str, values: np.ndarray, decides: float) -> None:
        """`values` over time, shape [times], and the value that decides as a dashed line."""
        values = np.where(np.isfinite(values), values, np.nan)
        if not np.isfinite(values).any():
            return
        least = min(0.0, float(np.nanmin(values)), -decides / 4)
        most = max(decides * 1.1, float(np.nanmax(values)))
        picked = np.unique(np.linspace(0, len(values) - 1, min(len(values), _WIDTH)).astype(int))
        points = " ".join(
            f"{place * _WIDTH / max(1, len(values) - 1):.1f},{_y(values[place], least, most):.1f}"
            for place in picked.tolist()
            if np.isfinite(values[place])
        )
        at = _y(decides, least, most)
        self._parts.append(
            f'<h3>{html.escape(name)}</h3><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'aria-label="{html.escape(name)}"><line class="decides" x1="0" x2="{_WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<polyline class="line" points="{points}"/>'
            f'<circle class="live" r="3" cx="{points.rpartition(" ")[2].partition(",")[0]}" '
            f'cy="{points.rpartition(",")[2]}"/></svg>'
        )

    def lines(self, name: str, lines: Sequence[tuple[str, np.ndarray]], about: str = "") -> None:
        """Several series over time, each of shape [times], on one scale, with their names and last values below."""
        drawable = [(label, values) for label, values in lines if np.isfinite(values).any()]
        self._parts.append(f"<h3>{html.escape(name)}</h3>")
        if about:
            self.text(about)
        if not drawable:
            self.text("No series.")
            return
        least = min(0.0, *(float(np.nanmin(values[np.isfinite(values)])) for _, values in drawable))
        most = max(least + 1e-9, *(float(np.nanmax(values[np.isfinite(values)])) for _, values in drawable))
        shapes, names = [], []
        for place, (label, values) in enumerate(drawable):
            hue = f"{place * 137 % 360} 70%"
            color = f"light-dark(hsl({hue} 40%), hsl({hue} 65%))"
            points = " ".join(
                f"{at * _WIDTH / max(1, len(values) - 1):.1f},{_y(values[at], least, most):.1f}"
                for at in np.flatnonzero(np.isfinite(values)).tolist()
            )
            shapes.append(f'<polyline class="line" style="stroke: {color}" points="{points}"/>')
            last = values[np.isfinite(values)][-1]
            names.append(f'<span style="color: {color}">{html.escape(label)} {last:.3g}</span>')
        self._parts.append(
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(name)}">{"".join(shapes)}</svg>'
            f"<p>{' · '.join(names)} (from {least:.3g} to {most:.3g})</p>"
        )

    def bars(self, name: str, names: Sequence[str], trained: np.ndarray, live: np.ndarray) -> None:
        """Shares by bin, shape [bins]: of the reference in grey, of live values beside them; the bins' names below."""
        most = max(float(np.max(trained)), float(np.max(live)), 1e-9)
        width = _WIDTH / (2.5 * len(names))
        shapes = []
        for place, bin_name in enumerate(names):
            for kind, value, offset in (("trained", trained[place], 0.0), ("live", live[place], width)):
                height = float(value) / most * (_HEIGHT - 10)
                shapes.append(
                    f'<rect class="{kind}" x="{2.5 * width * place + offset:.1f}" y="{_HEIGHT - height:.1f}" '
                    f'width="{width:.1f}" height="{height:.1f}"><title>{html.escape(bin_name)}: {float(value):.3f}'
                    "</title></rect>"
                )
        svg = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(name)}">'
        below = html.escape(" · ".join(names))
        self._parts.append(f'<h3>{html.escape(name)}</h3>{svg}{"".join(shapes)}</svg><p class="bins">{below}</p>')

    def render(self) -> str:
        """The whole document."""
        title = html.escape(self.title)
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{title}</title><link rel="icon" href="data:,"><style>{_STYLE}</style>'
            f"<h1>{title}</h1>{''.join(self._parts)}</html>\n"
        )


def _y(value: float, least: float, most: float) -> float:
    return _HEIGHT - 5 - (float(value) - least) / (most - least) * (_HEIGHT - 10)
