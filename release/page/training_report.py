"""The gate's report of one training: build/verdict.json and reports/, as the stages of dvc.yaml left them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from artifact import load
from artifact.errors import ConfigurationError, IntegrityError
from release.documents.subject import Subject

_ARTIFACT = Path("build/artifact")
_VERDICT, _REPORT = Path("build/verdict.json"), Path("reports/report.md")
_PLOTS, _FIGURES = Path("reports/plots"), Path("reports/figures")
_PICTURES = "pictures"  # folder of the site that holds what the report shows
_TAGS = re.compile("&lt;(/?(?:details|summary|code))&gt;")  # that pipeline/report writes
_BARS = 30  # features that a page shows


@dataclass(frozen=True)
class Confusion:
    """How many held-out rows of each class (a row of `counts`) got each label (a column)."""

    labels: Sequence[str]
    counts: Sequence[Sequence[int]]

    @property
    def most(self) -> int:
        """The largest count, at least 1."""
        return max(1, *(count for row in self.counts for count in row))


@dataclass(frozen=True)
class TrainingReport:
    """What the gate said of one training, and on what evidence.

    `importance`: feature and fall of the metric when it is shuffled, the largest first. `reliability`: predicted and
    observed of each bin. `pictures`: path in the site → bytes of a PNG.
    """

    verdict: Mapping[str, Any]
    html: str
    confusion: Confusion | None
    importance: Sequence[tuple[str, float]]
    reliability: Sequence[tuple[float, float]]
    pictures: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """Of the artifact that it is about."""
        return str(self.verdict["model_digest"])


def files(root: Path) -> dict[str, bytes]:
    """Path → bytes of all that the report is made from; empty where no training left one under `root`."""
    if not (root / _REPORT).is_file() or not (root / _VERDICT).is_file():
        return {}
    paths = [_REPORT, _VERDICT]
    paths += [folder / path.name for folder in (_PLOTS, _FIGURES) for path in sorted((root / folder).glob("*.*"))]
    return {path.as_posix(): (root / path).read_bytes() for path in paths}


def read(root: Path) -> TrainingReport | None:
    """Of the training under `root`, None where there is none; ConfigurationError (10) for files of no stage."""
    try:
        contents = files(root)
        return of(contents, _PICTURES) if contents else None
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"the report of the training cannot be read ({type(error).__name__}: {error}): run `dvc repro report`"
        ) from error


def of(files: Mapping[str, bytes], pictures: str, folder: str = "") -> TrainingReport:
    """What `files` of a training say. ValueError or KeyError where they are of no stage.

    `pictures`: the folder beside the page that its pictures go to, below `folder` of the site, which ends with a slash.
    """
    return TrainingReport(
        json.loads(files[_VERDICT.as_posix()]),
        _html(files[_REPORT.as_posix()].decode(), pictures),
        _confusion(_rows(files, "predictions.csv")),
        [(row["feature"], float(row["importance"])) for row in _rows(files, "importance.csv")][:_BARS],
        [(float(row["predicted"]), float(row["observed"])) for row in _rows(files, "reliability.csv")],
        {
            f"{folder}{pictures}/{path.removeprefix('reports/')}": content
            for path, content in files.items()
            if path.endswith(".png")
        },
    )


def card(root: Path, report: TrainingReport) -> Subject | None:
    """What the model card is made from; None unless the artifact that `report` is about is still under `root`."""
    try:
        verified = load.verify(root / _ARTIFACT, expected_digest=report.digest)
    except IntegrityError:
        return None
    return Subject.of(verified, report.verdict, root)


def _html(markdown: str, pictures: str) -> str:
    """As GitHub renders it, with its pictures in the folder `pictures`.

    Of the HTML in the text only the tags of _TAGS stay tags: values of the data stay text.
    """
    renderer = MarkdownIt("commonmark").enable("table")
    for kind in ("html_block", "html_inline"):
        renderer.add_render_rule(kind, _known_tags)
    html = str(renderer.render(markdown))
    for folder in (_PLOTS, _FIGURES):
        html = html.replace(f'src="{folder.name}/', f'loading="lazy" src="{pictures}/{folder.name}/')
    return html.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")


def _known_tags(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    return _TAGS.sub(r"<\1>", escape(tokens[index].content, quote=False))


def _rows(files: Mapping[str, bytes], name: str) -> list[dict[str, str]]:
    content = files.get((_PLOTS / name).as_posix())
    return [] if content is None else list(csv.DictReader(content.decode().splitlines()))


def _confusion(rows: Sequence[Mapping[str, str]]) -> Confusion | None:
    """None where predictions.csv is of a regression: pairs of numbers."""
    if not rows or "rows" not in rows[0]:
        return None
    labels = list(dict.fromkeys(row["actual"] for row in rows))
    counts = {(row["actual"], row["predicted"]): int(row["rows"]) for row in rows}
    return Confusion(labels, [[counts.get((actual, label), 0) for label in labels] for actual in labels])
