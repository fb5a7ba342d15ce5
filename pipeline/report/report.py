"""Stage report: one page for a pull request, readable without having trained the model."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence

from pipeline.params.params import load
from pipeline.pictures import figures
from pipeline.report import origins, sections
from pipeline.report.evidence import Evidence
from pipeline.shared import paths

CHAPTERS = (
    sections.verdict,
    sections.metrics,
    sections.slices,
    sections.calibration,
    sections.behaviour,
    sections.engine,
    sections.cost,
    sections.golden,
    origins.data,
    sections.rules,
    sections.pictures,
    origins.lineage,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Write reports/report.md and reports/figures/."""
    argparse.ArgumentParser(prog="python -m pipeline report", description=__doc__).parse_args(argv)
    evidence = Evidence.read(load())
    shutil.rmtree(paths.FIGURES, ignore_errors=True)
    paths.FIGURES.mkdir(parents=True)
    if evidence.comparison is not None:
        figures.differences(paths.FIGURES, evidence.comparison)
    figures.reliability(paths.FIGURES, evidence.task, evidence.comparison, evidence.calibration["bins"])
    paths.REPORT.write_text(page(evidence), encoding="utf-8")
    print(f"{paths.REPORT}: {evidence.verdict['outcome']}")


def page(evidence: Evidence) -> str:
    """The whole page, as GitHub renders it; pictures are beside it."""
    return "\n".join(line for chapter in CHAPTERS for line in chapter(evidence))
