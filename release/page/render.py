"""The pages as HTML: one template each, the same head and links for all; nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from artifact.digest import ArtifactUri
from release.documents.subject import Subject
from release.gitops.release import Release
from release.page import html, lineage_graph, model_card
from release.page.drift_pages import DriftPage
from release.page.predictor_client import ServedModel
from release.page.published_reports import PublishedReport
from release.page.site_data import ModelData, SiteData
from release.page.training_report import TrainingReport

FORM = "predict.html"
REPORT = "report.html"


@dataclass(frozen=True)
class Site:
    """What all pages are made from. `rendered_at`: when, in UTC; `card`: of the artifact that `report` is about."""

    data: SiteData
    report: TrainingReport | None
    drift: tuple[DriftPage, ...]
    rendered_at: str
    card: Subject | None = None
    published: Mapping[str, PublishedReport] = field(default_factory=dict)

    @property
    def pictures(self) -> dict[str, bytes]:
        """Path in the site → bytes, of all reports."""
        reports = [self.report, *(entry.report for entry in self.published.values())]
        return {path: content for report in reports if report is not None for path, content in report.pictures.items()}


def pages(site: Site) -> Iterator[tuple[str, Callable[[], str]]]:
    """Path of each page of the static site, and what makes its text."""
    yield html.STYLE, html.style
    for name in ("index.html", "quarantine.html", "drift.html"):
        yield name, partial(_page, site, name)
    yield REPORT, partial(_page, site, REPORT, report=site.report)
    for entry in site.published.values():
        if entry.report is not None:
            yield entry.path, partial(_page, site, REPORT, entry.path, report=entry.report)
    yield FORM, partial(form, site)
    if site.card is not None:
        yield model_card.FILE, partial(_page, site, model_card.FILE, card=site.card, **model_card.values(site.card))
    for page in site.drift:
        if page.html is not None:
            yield page.path, partial(str, page.html)
    for model in site.data.models:
        yield model.path, partial(_model, site, model)
        for each in model.environments:
            yield each.path, partial(_page, site, "environment.html", each.path, model=model, environment=each)
        for name, release in model.releases.items():
            path = model.release_path(name)
            yield path, partial(_release, site, path, model, release)


def _release(site: Site, path: str, model: ModelData, release: Release) -> str:
    uri = ArtifactUri.parse(release.uri)
    about = f"s3://{uri.bucket}/{uri.about}"
    return _page(site, "release.html", path, model=model, release=release, about=about)


def _model(site: Site, model: ModelData) -> str:
    graph = lineage_graph.of(model)
    return _page(site, "model.html", model.path, model=model, graph=graph, columns=lineage_graph.COLUMNS)


def form(
    site: Site,
    served: ServedModel | None = None,
    typed: Mapping[str, str] | None = None,
    answer: Mapping[str, Any] | None = None,
    problem: str | None = None,
) -> str:
    """The page that asks a predictor: of the static site, where nothing answers, without `served`."""
    releases = (
        {}
        if served is None
        else {release.digest: release for model in site.data.models for release in model.releases.values()}
    )
    release = None if served is None else releases.get(served.digest)
    return _page(site, FORM, served=served, typed=typed or {}, answer=answer, problem=problem, release=release)


def _page(site: Site, template: str, path: str = "", **values: Any) -> str:
    root = "../" * path.count("/")
    return html.text(template, site=site, root=root, here=path or template, **values)
