"""The pages as HTML: one template each, the same head and links for all; nothing is loaded from elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from release.commit_message import short
from release.page import lineage_graph
from release.page.drift_pages import DriftPage
from release.page.predictor_client import Served
from release.page.site_data import ModelData, SiteData
from release.page.training_report import TrainingReport

_TEMPLATES = Path(__file__).with_name("templates")
STYLE = "style.css"
FORM = "predict.html"
_COLOURS = 8  # of releases in a bar, as style.css names them


@dataclass(frozen=True)
class Site:
    """What all pages are made from. `made`: when, in UTC."""

    data: SiteData
    report: TrainingReport | None
    drift: tuple[DriftPage, ...]
    made: str


def pages(site: Site) -> Iterator[tuple[str, Callable[[], str]]]:
    """Path of each page of the static site, and what makes its text."""
    yield STYLE, partial((_TEMPLATES / STYLE).read_text, encoding="utf-8")
    for name in ("index.html", "quarantine.html", "report.html", "drift.html"):
        yield name, partial(_page, site, name)
    yield FORM, partial(form, site)
    for one in site.drift:
        if one.html is not None:
            yield one.path, partial(str, one.html)
    for model in site.data.models:
        yield model.path, partial(_model, site, model)
        for each in model.environments:
            yield each.path, partial(_page, site, "environment.html", each.path, model=model, environment=each)
        for name, release in model.releases.items():
            path = model.release_path(name)
            yield path, partial(_page, site, "release.html", path, model=model, release=release)


def _model(site: Site, model: ModelData) -> str:
    return _page(site, "model.html", model.path, model=model, graph=lineage_graph.of(model))


def form(
    site: Site,
    served: Served | None = None,
    typed: Mapping[str, str] | None = None,
    answer: Mapping[str, Any] | None = None,
    problem: str | None = None,
) -> str:
    """The page that asks a predictor: of the static site, where nothing answers, without `served`."""
    known = {} if served is None else {one.digest: one for model in site.data.models for one in model.releases.values()}
    release = None if served is None else known.get(served.digest)
    return _page(site, FORM, served=served, typed=typed or {}, answer=answer, problem=problem, release=release)


def _page(site: Site, template: str, path: str = "", **values: Any) -> str:
    root = "../" * path.count("/")
    return _environment.get_template(template).render(site=site, root=root, here=path or template, **values)


def _colour(name: str) -> int:
    """The same one of a release wherever it is drawn."""
    return hashlib.sha256(name.encode()).digest()[0] % _COLOURS


def _when(text: str) -> str:
    """`2026-11-26T08:07:39Z` as people read it."""
    return text.replace("T", " ").removesuffix("Z")[:16] + " UTC" if text[10:11] == "T" else text


_environment = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"short": short, "colour": _colour, "when": _when}
_environment.globals |= {"columns": lineage_graph.COLUMNS}
