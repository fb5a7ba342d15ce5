"""modelpin.json: which version of modelpin a repository was made from, and from where later ones come."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from artifact import text_file
from artifact.errors import ConfigurationError

FILE = "modelpin.json"


@dataclass(frozen=True)
class Origin:
    """`source`: URL, or absolute path, of the repository with all versions; `commit`: of `version` there."""

    source: str
    version: str
    commit: str

    @classmethod
    def read(cls, root: Path) -> Self:
        """ConfigurationError (10) where `root` was not made by `starter new`."""
        try:
            return cls(**json.loads((root / FILE).read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"{FILE} does not say which version this repository was made from ({error}): "
                "`python -m starter new` writes it; without it, write source, version and commit by hand"
            ) from error

    def write(self, root: Path) -> None:
        """Replace it under `root`."""
        (root / FILE).write_text(text_file.readable_json(asdict(self)), encoding="utf-8")
