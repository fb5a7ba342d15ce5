"""Digests of the code that determines an artifact: a training is repeated where one of them changes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from artifact import digest

# What decides how a Pipeline is fitted on given rows, and so the result of a trial of a search.
TRAINING = ("artifact", "features", "pipeline/params", "pipeline/shared", "pipeline/training")
# What decides the artifact: the rows, the Pipeline, the metrics in the manifest, the engine. Not among it are pictures,
# gate, report and tracking: they judge or show an artifact that is there.
ARTIFACT = (*TRAINING, "pipeline/data", "pipeline/engine", "pipeline/evaluation", "pipeline/packaging")


def digests(folders: Iterable[str], root: Path = Path()) -> dict[str, str]:
    """Folder → digest of its sources, in the checkout at `root`."""
    return {folder: digest.of_tree(root / folder, _sources(root / folder)) for folder in folders}


def _sources(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not any(part.startswith(("__pycache__", ".")) for part in path.relative_to(folder).parts)
    ]
