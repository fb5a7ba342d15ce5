"""Drift of what serves: asked of Prometheus for each release that has traffic, or how to ask for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from artifact.errors import ModelpinError
from monitoring import drift
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


def read(site: SiteData, prometheus: str | None) -> tuple[DriftPage, ...]:
    """One for each release with traffic; `prometheus`: the URL of the one to ask, None to ask none.

    Alarms come first, by their estimated loss of accuracy. The estimate makes no alarm of what is none.
    """
    return tuple(sorted(_pages(site, prometheus), key=rank))


def rank(page: DriftPage) -> tuple[bool, float]:
    """The place of `page` among the others: the least is shown first."""
    return not page.alarm, -(page.estimated_loss or 0.0) if page.alarm else 0.0


def _pages(site: SiteData, prometheus: str | None) -> Iterator[DriftPage]:
    for model in site.models:
        for environment in model.environments:
            for share in environment.shares:
                if share.percent:
                    yield _page(environment, share, prometheus)


def _page(environment: EnvironmentData, share: Share, prometheus: str | None) -> DriftPage:
    release, namespace = share.release, environment.folder.namespace
    path = f"drift/{namespace}-{release.name}.html"
    if prometheus is None:
        lines = (
            "not asked: this page was made without a Prometheus; the command that asks one is",
            f"python -m monitoring drift --prometheus URL --namespace {namespace} --release {release.name} "
            f"--since {release.since}",
        )
        return DriftPage(environment, share, lines, False, path, None)
    try:
        since = datetime.fromisoformat(release.since).timestamp()
        result = drift.watch(Source(Prometheus(prometheus), namespace, release.name), since, time.time())
    except ModelpinError as error:
        return DriftPage(environment, share, (str(error),), False, path, None)
    sentences, loss = tuple(result.lines()), result.estimated_loss
    return DriftPage(environment, share, sentences, result.alarms, path, result.page(), loss)
