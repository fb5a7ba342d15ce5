"""The code that trains, as digests: of the folders whose files decide what a training makes."""

from __future__ import annotations

from pathlib import Path

from artifact import digest
from pipeline.shared import paths


def digests(root: Path = Path()) -> dict[str, str]:
    """Folder → digest of its sources, in the checkout at `root`."""
    return {str(folder): digest.of_tree(root / folder, _sources(root / folder)) for folder in paths.CODE}


def _sources(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not any(part.startswith(("__pycache__", ".")) for part in path.relative_to(folder).parts)
    ]
