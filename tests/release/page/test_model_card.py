"""The model card as a page: complete, without anything from elsewhere, and the same bytes for the same model."""

import json
import re
from pathlib import Path

import pytest

from artifact.feature import Feature
from release.page import distribution, model_card, training_report
from release.page.distribution import HEIGHT, WIDTH
from tests.predictor.models import Packaged
from tests.release.conftest import Repository
from tests.release.documents.test_bom import VERDICT, packaged, subject
from tests.release.page.test_page import REPORT

__all__ = ["packaged"]


def test_the_card_says_what_the_model_is(packaged: Packaged) -> None:
    """Each input with what is taken, each output, each metric and each rule of the gate stand in it; it is one file."""
    whole = subject(packaged)
    page = model_card.page(whole).decode()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for column in (*whole.signature.inputs, *whole.signature.outputs):
        assert f" {column.name} " in text
    assert all(name in text for name in whole.manifest.metrics)
    assert all(rule["words"] in text for rule in whole.rules)
    assert whole.digest in text
    assert str(whole.manifest.data_digest) in text
    assert re.findall(r'(?:src|href)="([^"]+)"', page) == ["data:,"]
    assert model_card.page(subject(packaged)).decode() == page


def test_what_comes_from_data_stays_text(packaged: Packaged) -> None:
    """A name that holds markup is shown, not obeyed."""
    whole = subject(packaged)
    object.__setattr__(whole, "verdict", VERDICT | {"reason": "<script>alert(1)</script>"})
    page = model_card.page(whole).decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        (Feature("x", "float64"), "any"),
        (Feature("x", "float64", range=(0, 5)), "from 0 to 5"),
        (Feature("x", "float64", nullable=True, range=(None, 5)), "to 5, or missing"),
        (Feature("x", "string", categories=("a", "b")), "one of a, b"),
    ],
)
def test_what_is_taken_is_said_in_words(feature: Feature, words: str) -> None:
    """Range, categories and missing values."""
    assert model_card._allowed(feature) == words


def test_bars_are_as_wide_as_their_values() -> None:
    """Two bins of ten rows, one nine times as wide: its bar is as much lower; missing values are counted beside."""
    summary = {"kind": "numeric", "min": 0.0, "max": 10.0, "edges": [1.0], "counts": [10, 10], "missing": 3}
    column = distribution.of(summary, "float64")
    first, second = column.bars
    assert (first.width, second.width) == (WIDTH / 10, WIDTH * 0.9)
    assert (first.height, second.height) == (HEIGHT, HEIGHT / 9)
    assert (column.words, column.missing) == ("0 to 10", 3)


@pytest.mark.parametrize(
    ("summary", "dtype", "words"),
    [
        (
            {"kind": "numeric", "min": None, "max": None, "edges": [], "counts": [0], "missing": 2},
            "float64",
            "no value",
        ),
        ({"kind": "numeric", "min": 2.0, "max": 2.0, "edges": [2.0], "counts": [0, 4], "missing": 0}, "int64", "2"),
        (
            {"kind": "numeric", "min": 0.0, "max": 86400.0, "edges": [], "counts": [2], "missing": 0},
            "date",
            "1970-01-01 to 1970-01-02",
        ),
        ({"kind": "categorical", "counts": {"a": 1, "b": 3}, "other": 2, "missing": 0}, "string", "b 3, a 1, others 2"),
        ({"kind": "categorical", "counts": {}, "other": 0, "missing": 2}, "string", ""),
    ],
)
def test_any_column_is_drawn(summary: dict[str, object], dtype: str, words: str) -> None:
    """A column without values, of one value, of times, of names."""
    column = distribution.of(summary, dtype)
    assert column.words == words
    assert all(bar.x + bar.width <= WIDTH + 1 and 0 <= bar.height <= HEIGHT for bar in column.bars)


def test_the_pages_have_the_card_of_the_training_here(pages: Repository, packaged: Packaged, tmp_path: Path) -> None:
    """With the artifact of the report in build/ the site has its card, and the report leads there; else neither."""
    build, reports = pages.folder / "build", pages.folder / "reports"
    build.mkdir()
    reports.mkdir()
    (reports / "report.md").write_text(REPORT)
    (build / "verdict.json").write_text(json.dumps(VERDICT | {"model": "iris", "model_digest": packaged.digest}))
    report = training_report.read(pages.folder)
    assert report is not None
    assert training_report.card(pages.folder, report) is None
    (build / "artifact").symlink_to(packaged.directory)
    assert pages.release("page", "--tree", "--out", str(tmp_path / "site")).code == 0
    assert 'href="card.html"' in (tmp_path / "site/report.html").read_text()
    assert packaged.digest in (tmp_path / "site/card.html").read_text()
