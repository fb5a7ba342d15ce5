"""Tells modelpin's code in a repository, which an upgrade replaces, from the user's files, which it never touches."""

from __future__ import annotations

from pathlib import Path

from artifact import git

# The user's, although the first version of each came from here: a folder ends in a slash.
USERS = (
    "data/", "features/", "gitops/aws/", "gitops/models/", "gitops/settings/", "patches/", "params.yaml", "dvc.lock",
    ".dvc/config", ".dvc/.gitignore", ".github/CODEOWNERS", ".github/protection.yaml", ".gitignore", "README.md",
    "CONTRIBUTING.md", "LICENSE", "requirements/extras/chosen.txt",
)  # fmt: skip
# What a new repository does not take over: the example's data, records and training.
EXAMPLES = ("data/", "gitops/models/", "dvc.lock")


def is_users(path: str) -> bool:
    """Whether the file at `path`, from the root of the repository, is the user's."""
    return path.startswith(tuple(prefix for prefix in USERS if prefix.endswith("/"))) or path in USERS


def of(commit: str, folder: Path) -> set[str]:
    """Paths of modelpin's code in `commit` of the repository in `folder`."""
    return {path for path in _all(commit, folder) if not is_users(path)}


def first(old: str, new: str, folder: Path) -> set[str]:
    """Single files of the user's that the commit `new` has and `old` did not know: they begin as they are there."""
    return (_all(new, folder) - _all(old, folder)) & set(USERS)


def _all(commit: str, folder: Path) -> set[str]:
    listing = git.output("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, folder=folder).decode()
    return {path for path in listing.split("\0") if path}
