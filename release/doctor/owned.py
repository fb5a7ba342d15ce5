"""The settings: none left at its default, every model's hosts within what DNS takes, the branch there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from artifact.errors import ConfigurationError, GitError
from release.checkout import Checkout
from release.doctor.finding import FAULT, OK, Finding
from release.git.branch import Branch, opened, tip
from release.gitops import folder as folders
from release.gitops.worktree import Worktree
from release.settings import Settings, key

# What nobody can mean: names that are reserved for examples, the account of AWS's documentation.
_PLACEHOLDERS = ("example.com", "111122223333", "example/modelpin", "0" * 32)
# Settings that only environments with a component read, and they cannot do without.
_OF_COMPONENTS = {"initializer_image": "components/initializer", "shipper_image": "components/inference-log"}


def look(checkout: Checkout) -> Iterator[Finding]:
    """Findings on settings.yaml, the folders of the models, and the branch of the releases."""
    chosen = checkout.settings
    left = [key(name) for name in Settings.__dataclass_fields__ if _is_left(checkout.root, name, getattr(chosen, name))]
    if left:
        names = " ".join(f"{name.upper().replace('-', '_')}=…" for name in left)
        yield Finding("settings", FAULT, f"still as they came: {', '.join(left)}", f"make configure {names}")
    else:
        yield Finding("settings", OK, "all values are your own")
    yield from _hosts(checkout.root, chosen)
    try:
        branches = checkout.remotes()
    except ConfigurationError as error:
        yield Finding("git", FAULT, str(error), "name the remote of the releases")
        return
    yield from map(_branch, branches)


def _is_left(root: Path, name: str, value: object) -> bool:
    """Whether somebody still has to fill this setting in."""
    if (component := _OF_COMPONENTS.get(name)) is not None:
        environments = (root / "gitops/models").glob("*/*/kustomization.yaml")
        if not any(component in path.read_text(encoding="utf-8") for path in environments):
            return False
        if not value:
            return True
    return any(placeholder in str(value) for placeholder in _PLACEHOLDERS)


def _hosts(root: Path, chosen: Settings) -> Iterator[Finding]:
    for folder in folders.all_of(Worktree(root)) if chosen.joint == "-" else ():
        try:
            folder.require_one_label()
        except ConfigurationError as error:
            yield Finding("settings", FAULT, str(error), "make configure HOST_FORM=name.namespace")


def _branch(branch: Branch) -> Finding:
    try:
        with opened(branch) as git:
            commit = tip(git, branch).commit
    except GitError as error:
        return Finding("git", FAULT, str(error), "push the branch, or log in to its server", error.exit_code)
    return Finding("git", OK, f"{branch.name} is at {commit[:12]}")
