"""gitops/ as the working tree holds it: what commands read on a laptop where the network or the remote is not there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from artifact.errors import ConfigurationError
from release.git.branch import Branch, opened, tip
from release.git.tip import Tip

# Whether a champion is what gitops/ of the working tree names (a laptop), what the branch does (a workflow: it may have
# moved), or what an earlier command found.
RECORDS_FROM = "RECORDS_FROM"


@dataclass(frozen=True)
class Worktree:
    """Reads paths from the root of the repository, as release.git.tip.Tip does at the tip of the branch."""

    root: Path

    def read(self, path: str) -> str | None:
        """Text of the file at `path`, None when there is none."""
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path} cannot be read ({error}): restore it from Git") from error

    def of(self, environment: str) -> Worktree:
        """Itself: a working tree holds what was checked out, whatever branch an environment lives on."""
        return self

    def all(self) -> tuple[Worktree]:
        """Itself alone."""
        return (self,)

    def load(self, *folders: str) -> None:
        """Nothing: its files are here."""

    def folders(self, path: str) -> list[str]:
        """Names of the folders in the folder `path`, sorted."""
        folder = self.root / path
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


@contextlib.contextmanager
def reader(root: Path, branch: Callable[[], Branch]) -> Iterator[Tip | Worktree]:
    """What says what is pinned and what is barred: the working tree at `root`, or the branch of `remote()`."""
    source = os.environ.get(RECORDS_FROM) or "tree"
    if source == "tree":
        yield Worktree(root)
    elif source == "branch":
        there = branch()
        with opened(there) as git:
            yield tip(git, there)
    else:
        raise ConfigurationError(f"{RECORDS_FROM} is {source!r}: set it to `tree`, `branch` or `kept`")
