"""The page for a pull request says what was decided and why, and renders as GitHub renders it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import joblib
import pandas as pd
import pytest

from artifact import save
from artifact.manifest import Manifest
from artifact.validation.frame import columns
from pipeline.report import markdown
from pipeline.shared.markdown import table, text
from tests.pipeline.repository import Repository

HEADINGS = re.compile(r"^## (.+)$", re.M)


def check_page(folder: Path) -> str:
    """The page in `folder`: every picture is there, every table has one number of cells, every fold is closed."""
    page = (folder / "report.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page)
    assert pictures
    assert [path for path in pictures if not (folder / path).is_file()] == []
    for block in re.findall(r"(?:^\|.*\|\n)+", page, re.M):
        rows = block.splitlines()
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1, block
        assert set(rows[1]) <= set("|-: ")
    assert page.count("<details>") == page.count("</details>") == page.count("<summary>")
    assert "nan" not in re.split(r"[^a-z]+", page.lower())
    return page


def test_a_first_deployment_has_a_page(trained: tuple[Repository, str]) -> None:
    """Without a champion: the verdict, each metric with its interval, slices, calibration, behaviour, cost, lineage."""
    repository, _ = trained
    page = check_page(repository.path / "reports")
    assert page.startswith("# ✓ iris: first-deployment\n")
    assert HEADINGS.findall(page) == [
        "Metrics on rows that training never saw", "Slices", "Calibration", "Behaviour", "Engine", "Cost", "Data",
        "Rules", "Predictions and features", "Lineage",
    ]  # fmt: skip
    verdict = json.loads(repository.read("build/verdict.json"))
    for word in (text(verdict["reason"]), verdict["model_digest"][:19], "log\\_loss", "petal length (cm)"):
        assert word in page


def hardly_learnt(root: Path) -> str:
    """The digest of a champion in build/champion: the trained Pipeline, fitted again with little freedom."""
    model = joblib.load(root / "build/model/model.joblib")
    rows = pd.read_parquet(root / "build/prepared/train.parquet")
    train = rows.drop(columns="species")
    model.set_params(**{name: 0.01 for name in model.get_params() if name.endswith("__C")})
    model.fit(train, rows["species"].to_numpy(dtype=object))
    stream = io.BytesIO()
    joblib.dump(model, stream)
    content = Manifest.from_bytes((root / "build/artifact/manifest.json").read_bytes())
    return save.save(
        root / "build/champion",
        name="iris",
        model=stream.getvalue(),
        signature=content.signature,
        train=columns(train),
        holdout=columns(train),
        golden_rows=16,
        data_digest=content.data_digest,
        parameters=content.parameters,
        metrics={},
    )


@pytest.mark.story
def test_a_champion_stands_beside_the_challenger(again: Repository) -> None:
    """What serves hardly learnt: differences, slices side by side, golden answers, both commits, drift."""
    named = hardly_learnt(again.path)
    release = dict.fromkeys(("inputs_digest", "data_digest"), "sha256-" + "5" * 64) | {
        "digest": named,
        "uri": f"s3://modelpin/models/iris/{named}/",
        "since": "2026-01-02T03:04:05Z",
        "source_commit": "c0ffee" + "0" * 34,
    }
    message = {"schema_version": 1, "model": "iris", "environment": "staging", "champion": release, "quarantined": []}
    (again.path / "build/champion.json").write_text(json.dumps(message), encoding="utf-8")
    change = {"column": "a|b <i>", "state": "warn", "psi": 0.3, "chance": 0.1, "missing": 0.0, "unseen": None}
    drift = {"champion": named, "features": [change, change | {"note": "it is gone", "state": "refuse"}]}
    (again.path / "reports/data.json").write_text(json.dumps({"violations": [], "leakage": [], "drift": drift}))
    for stage in ("measure", "gate", "report"):
        again.done("pipeline", stage)
    page = check_page(again.path / "reports")
    verdict, compared = (json.loads(again.read(f"{name}.json")) for name in ("build/verdict", "reports/comparison"))
    assert page.startswith(f"# ✓ iris: {verdict['outcome']}\n")
    assert verdict["outcome"] == "better"
    assert "Golden answers that changed" in HEADINGS.findall(page)
    assert f"{compared['golden']['changed']} of the champion's {compared['golden']['rows']} recorded requests" in page
    assert compared["golden"]["changed"] > 0
    for word in ("c0ffee", named[:19], "2026-01-02T03:04:05Z", "figures/difference.png", "▲", "it is gone",
                 "2 of 2 features changed", "a\\|b &lt;i&gt;"):  # fmt: skip
        assert word in page
    assert "gate passed, better" in again.done("pipeline", "gate", "--enforce")


def test_text_is_never_markup() -> None:
    """A name from the data opens no tag, ends no cell, mentions nobody."""
    assert text("a|b\n<b>*x*</b> @someone `c`") == "a\\|b &lt;b&gt;\\*x\\*&lt;/b&gt; \\@someone \\`c\\`"
    assert table(("x",), []) == []
    assert markdown.folded("none", []) == []
    assert (markdown.number(None), markdown.number(-0.5), markdown.signed(0.25)) == ("–", "−0.5", "+0.25")
