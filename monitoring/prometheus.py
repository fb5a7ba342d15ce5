"""Prometheus' HTTP API: the values of series on a fixed grid of times."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from artifact.errors import ConfigurationError, StorageError

TOKEN = "PROMETHEUS_TOKEN"  # noqa: S105  # the name of the variable that may hold one
_MOST_POINTS = 10_000  # Prometheus refuses a range of more than 11,000
_SECONDS = 60.0
_LATER = "see its own log, then run this again; nothing was decided"
_REMEDIES = {
    400: "see whether the metrics and labels that are asked for can be written so",
    401: f"put a token that it takes into the variable {TOKEN}",
    403: f"put a token that may read these series into the variable {TOKEN}",
    404: "give the URL of a Prometheus, with its path prefix",
}
_Labelled = tuple[dict[str, str], list[tuple[float, float]]]  # a series: its labels, and its values by time


@dataclass(frozen=True)
class Grid:
    """Times `start`, `start + step`, … up to `start + (points - 1) · step`: seconds since 1970, and seconds."""

    start: float
    step: float
    points: int

    @classmethod
    def until(cls, start: float, now: float, step: float) -> Grid:
        """The times from `start` that are not after `now`; at least the first."""
        return cls(start, step, max(1, int((now - start) // step) + 1))

    def earlier(self, seconds: float) -> Grid:
        """The same times, and as many before them as cover `seconds`."""
        more = int(np.ceil(seconds / self.step))
        return Grid(self.start - more * self.step, self.step, self.points + more)

    @property
    def end(self) -> float:
        """The last time."""
        return self.start + (self.points - 1) * self.step


@dataclass(frozen=True)
class Series:
    """Labels, and the value at each time of a grid, NaN where there is none: shape [points]."""

    labels: Mapping[str, str]
    values: np.ndarray

    @property
    def instance(self) -> str:
        """Whose process counts: the pod where there is one, else what was scraped."""
        return self.labels.get("pod") or self.labels.get("instance", "")


@dataclass(frozen=True)
class Prometheus:
    """The API at `url`. The variable PROMETHEUS_TOKEN, where it is set, is sent as a bearer token."""

    url: str

    def __post_init__(self) -> None:
        try:
            parts = urllib.parse.urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
            usable = usable and not parts.username and not parts.query
        except ValueError:
            usable = False
        if not usable:
            raise ConfigurationError(
                f"{self.url!r} is not the URL of a Prometheus: expected http://host:9090, and a token in {TOKEN}"
            )

    def range(self, query: str, grid: Grid) -> list[Series]:
        """The series of `query` on `grid`.

        StorageError (30) when Prometheus does not answer, refuses the query, or answers with a part of the data.
        """
        series: dict[tuple[tuple[str, str], ...], Series] = {}
        for first in range(0, grid.points, _MOST_POINTS):
            points = min(_MOST_POINTS, grid.points - first)
            start = grid.start + first * grid.step
            for labels, values in self._matrix(query, start, start + (points - 1) * grid.step, grid.step):
                key = tuple(sorted(labels.items()))
                if key not in series:
                    series[key] = Series(labels, np.full(grid.points, np.nan))
                for time, value in values:
                    place = round((time - grid.start) / grid.step)
                    if 0 <= place < grid.points:  # a server that rounds the times may answer with one more
                        series[key].values[place] = value
        return list(series.values())

    def counters(self, selector: str, grid: Grid) -> list[Series]:
        """The counters that `selector` selects: at each time of `grid` the greatest value of the step before it.

        So a pod that lived between two times is seen, and one that ended is seen up to its last scrape.
        """
        return self.range(growing(selector, grid.step), grid)

    def _matrix(self, query: str, start: float, end: float, step: float) -> list[_Labelled]:
        values = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        request = urllib.request.Request(  # noqa: S310  # the scheme was checked
            f"{self.url.rstrip('/')}/api/v1/query_range", urllib.parse.urlencode(values).encode()
        )
        if token := os.environ.get(TOKEN):
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                content = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                detail = " ".join(error.read(2000).decode(errors="replace").split())
            raise StorageError(
                f"Prometheus at {self.url} refused {query!r} with {error.code}, {_REMEDIES.get(error.code, _LATER)}: "
                f"{detail:.200}"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise StorageError(
                f"Prometheus at {self.url} did not answer {query!r} ({error!s:.200}): see whether it is up, then run "
                "this again; nothing was decided"
            ) from error
        return self._parsed(query, content)

    def _parsed(self, query: str, content: bytes) -> list[_Labelled]:
        try:
            reply = json.loads(content)
            if reply["status"] != "success" or reply["data"]["resultType"] != "matrix":
                raise ValueError(str(reply.get("error", reply)))
            warnings = [str(warning) for warning in reply.get("warnings") or ()]
            series = [
                (
                    {str(name): str(value) for name, value in item["metric"].items()},
                    [(float(time), float(value)) for time, value in item["values"]],
                )
                for item in reply["data"]["result"]
            ]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(
                f"{self.url} answered {query!r} with {content[:60]!r}, which is not what Prometheus' HTTP API answers: "
                "give the URL of a Prometheus, with its path prefix; nothing was decided"
            ) from error
        if warnings:
            raise StorageError(
                f"Prometheus at {self.url} answered {query!r} with a part of the data ({'; '.join(warnings):.200}): "
                "see whether all that it reads from is up, then run this again; nothing was decided"
            )
        return series


def growing(selector: str, step: float) -> str:
    """The query of `Prometheus.counters`, for a grid of this step in seconds."""
    return f"max_over_time({selector}[{round(step * 1000)}ms])"


def matcher(metric: str, **labels: str) -> str:
    """`metric{name="value",name=~"pattern"}`: a value that begins with `~` is a pattern; an empty one is left out."""
    parts = []
    for name, value in labels.items():
        sign, text = ("=~", value[1:]) if value.startswith("~") else ("=", value)
        if text:
            escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            parts.append(f'{name}{sign}"{escaped}"')
    return f"{metric}{{{','.join(parts)}}}"
