"""gitops/ as the working tree holds it: what a laptop asks when the network, or the remote, is not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artifact.errors import ConfigurationError


@dataclass(frozen=True)
class Tree:
    """Reads paths from the root of the repository, as release.remote.Tip does at the tip of the branch."""

    root: Path

    def read(self, path: str) -> str | None:
        """Text of the file at `path`, None when there is none."""
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path} cannot be read ({error}): restore it from Git") from error

    def folders(self, path: str) -> list[str]:
        """Names of the folders in the folder `path`, sorted."""
        folder = self.root / path
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
