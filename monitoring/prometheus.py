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
from typing import Any

import numpy as np

from artifact.errors import ConfigurationError, StorageError

TOKEN = "PROMETHEUS_TOKEN"  # noqa: S105  # the name of the variable that may hold one
_MOST_POINTS = 10_000  # Prometheus refuses a range of more than 11,000
_SECONDS = 60.0


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
        """The series of `query` on `grid`; StorageError (30) when Prometheus does not answer, or refuses the query."""
        series: dict[tuple[tuple[str, str], ...], Series] = {}
        for first in range(0, grid.points, _MOST_POINTS):
            points = min(_MOST_POINTS, grid.points - first)
            start = grid.start + first * grid.step
            for item in self._matrix(query, start, start + (points - 1) * grid.step, grid.step):
                labels = {str(name): str(value) for name, value in item["metric"].items()}
                key = tuple(sorted(labels.items()))
                if key not in series:
                    series[key] = Series(labels, np.full(grid.points, np.nan))
                for time, value in item["values"]:
                    series[key].values[round((float(time) - grid.start) / grid.step)] = float(value)
        return list(series.values())

    def _matrix(self, query: str, start: float, end: float, step: float) -> list[Any]:
        values = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        request = urllib.request.Request(  # noqa: S310  # the scheme was checked
            f"{self.url.rstrip('/')}/api/v1/query_range", urllib.parse.urlencode(values).encode()
        )
        if token := os.environ.get(TOKEN):
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                reply = json.load(answer)
            if reply["status"] != "success" or reply["data"]["resultType"] != "matrix":
                raise ValueError(str(reply.get("error", reply)))
            return list(reply["data"]["result"])
        except urllib.error.HTTPError as error:
            detail = error.read(2000).decode(errors="replace")
            raise StorageError(
                f"Prometheus at {self.url} refused {query!r} with {error.code}: {detail:.300}"
            ) from error
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"Prometheus at {self.url} did not answer {query!r} ({error!s:.200}): see whether it is up, then run "
                "this again; nothing was decided"
            ) from error


def matcher(metric: str, **labels: str) -> str:
    """`metric{name="value",name=~"pattern"}`: a value that begins with `~` is a pattern; an empty one is left out."""
    parts = []
    for name, value in labels.items():
        sign, text = ("=~", value[1:]) if value.startswith("~") else ("=", value)
        if text:
            escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            parts.append(f'{name}{sign}"{escaped}"')
    return f"{metric}{{{','.join(parts)}}}"
