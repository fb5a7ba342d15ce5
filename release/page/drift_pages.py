"""Drift of what serves: asked of Prometheus for each release that has traffic, or how to ask for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from artifact.errors import ModelpinError
from monitoring import drift
from monitoring.confidence import Estimate
from monitoring.drift_detector import LEAST_ROWS
from monitoring.input_counts import Source
from monitoring.prometheus import Prometheus
from release.page.history import Share
from release.page.site_data import EnvironmentData, SiteData


@dataclass(frozen=True)
class DriftPage:
    """Of one release: what is said of it in `lines`, and its own page, `html` at `path`; `alarm`: it has drifted.

    `estimated_loss`: accuracy that is lost if confidence means what it meant; None where that is not known. Without an
    answer of Prometheus `html` is None and `lines` say why.
    """

    environment: EnvironmentData
    share: Share
    lines: tuple[str, ...]
    alarm: bool
    path: str
    html: str | None
    estimated_loss: float | None = None
    calibration: Estimate | None = None


@dataclass(frozen=True)
class DriftQuery:
    """The Prometheus to ask, and the windows to judge by: `window` in seconds, with at least `least` rows."""

    prometheus: str
    window: float = drift.WEEK
    least: int = LEAST_ROWS


def read(site: SiteData, query: DriftQuery | None) -> tuple[DriftPage, ...]:
    """One for each release with traffic; `query`: None to ask nobody.

    Alarms come first, by their estimated loss of accuracy. The estimate makes no alarm of what is none.
    """
    return tuple(sorted(_pages(site, query), key=rank))


def rank(page: DriftPage) -> tuple[bool, float]:
    """The place of `page` among the others: the least is shown first."""
    return not page.alarm, -(page.estimated_loss or 0.0) if page.alarm else 0.0


def _pages(site: SiteData, query: DriftQuery | None) -> Iterator[DriftPage]:
    for model in site.models:
        for environment in model.environments:
            for share in environment.shares:
                if share.percent:
                    yield _page(environment, share, query)


def _page(environment: EnvironmentData, share: Share, query: DriftQuery | None) -> DriftPage:
    release, namespace = share.release, environment.folder.namespace
    path = f"drift/{namespace}-{release.name}.html"
    if query is None:
        lines = (
            "This page was made without PROMETHEUS=URL, so it says nothing of drift. For one release:",
            f"python -m monitoring drift --prometheus URL --namespace {namespace} --release {release.name} "
            f"--since {release.since}",
        )
        return DriftPage(environment, share, lines, False, path, None)
    try:
        since = datetime.fromisoformat(release.since).timestamp()
        source = Source(Prometheus(query.prometheus), namespace, release.name)
        result = drift.watch(source, since, time.time(), query.window, query.least)
    except ModelpinError as error:
        return DriftPage(environment, share, (str(error),), False, path, None)
    sentences, loss = tuple(result.lines()), result.estimated_loss
    return DriftPage(environment, share, sentences, result.alarms, path, result.page(), loss, result.estimate)
