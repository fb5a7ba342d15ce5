"""Stage report: one page for a pull request, readable without having trained the model."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence

from artifact.command import run
from pipeline import chapters, figures, origins, paths
from pipeline.evidence import Evidence
from pipeline.params import load

CHAPTERS = (
    chapters.verdict,
    chapters.metrics,
    chapters.slices,
    chapters.calibration,
    chapters.behaviour,
    chapters.engine,
    chapters.cost,
    chapters.golden,
    origins.data,
    chapters.rules,
    chapters.pictures,
    origins.lineage,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Write reports/report.md and reports/figures/."""
    argparse.ArgumentParser(prog="python -m pipeline.report", description=__doc__).parse_args(argv)
    found = Evidence.read(load())
    shutil.rmtree(paths.FIGURES, ignore_errors=True)
    paths.FIGURES.mkdir(parents=True)
    if found.comparison is not None:
        figures.differences(paths.FIGURES, found.comparison)
    figures.reliability(paths.FIGURES, found.task, found.comparison, found.calibration["bins"])
    paths.REPORT.write_text(page(found), encoding="utf-8")
    print(f"{paths.REPORT}: {found.verdict['outcome']}")


def page(found: Evidence) -> str:
    """The whole page, as GitHub renders it; pictures are beside it."""
    return "\n".join(line for chapter in CHAPTERS for line in chapter(found))


if __name__ == "__main__":
    run(main)
