"""The commit that a training comes from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

from artifact import git
from artifact.errors import GitError
from artifact.git import GitFailed


@dataclass(frozen=True)
class Source:
    """`commit`: GITHUB_SHA, or HEAD of this checkout; None outside Git. `dirty`: files but dvc.lock differ from it."""

    commit: str | None
    dirty: bool

    @classmethod
    def current(cls) -> Self:
        """The commit of the current folder, and whether files differ from it."""
        commit = os.environ.get("GITHUB_SHA") or _git("rev-parse", "--verify", "--quiet", "HEAD")
        return cls(commit or None, bool(commit and _git("status", "--porcelain", "--", ".", ":!dvc.lock")))


def _git(*arguments: str) -> str:
    try:
        return git.run(*arguments).strip()
    except (GitFailed, GitError):
        return ""
