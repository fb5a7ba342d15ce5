"""The commit that a training comes from."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Source:
    """`commit`: GITHUB_SHA, or HEAD of this checkout; None outside Git. `dirty`: files but dvc.lock differ from it."""

    commit: str | None
    dirty: bool

    @classmethod
    def here(cls) -> Self:
        """Of the current folder."""
        commit = os.environ.get("GITHUB_SHA") or _git("rev-parse", "--verify", "--quiet", "HEAD")
        return cls(commit or None, bool(commit and _git("status", "--porcelain", "--", ".", ":!dvc.lock")))


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
