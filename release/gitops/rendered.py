"""What Argo CD would apply before and after a change, as kustomize renders it: the difference of each environment."""

from __future__ import annotations

import difflib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from artifact.errors import ConfigurationError
from release.gitops import folder as folders
from release.gitops.folder import MODELS
from release.gitops.worktree import Worktree

_SECONDS = 60
_TOP = "gitops"


def differences(root: Path, base: str) -> Iterator[tuple[str, str]]:
    """(folder under gitops/models, unified diff) of each environment that renders otherwise than at the commit `base`.

    Only folders that a changed file can reach are rendered. ConfigurationError (10) without kustomize, for a commit
    that is not there, and for manifests that do not render.
    """
    changed = _git(root, "diff", "--name-only", "--no-renames", base, "--", _TOP).decode().splitlines()
    if not changed:
        return
    with tempfile.TemporaryDirectory(prefix="modelpin-") as name:
        before = Path(name)
        archive = _git(root, "archive", "--format=tar", base, "--", _TOP)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(before, filter="data")
        paths = {folder.path for tree in (before, root) for folder in folders.all_of(Worktree(tree))}
        everywhere = any(not path.startswith(f"{MODELS}/") for path in changed)
        for path in sorted(paths):
            if everywhere or any(name.startswith(f"{path}/") for name in changed):
                old, new = (_render(tree / path).splitlines(keepends=True) for tree in (before, root))
                diff = "".join(difflib.unified_diff(old, new, "before", "after"))
                if diff:
                    yield path.removeprefix(f"{MODELS}/"), diff


def _render(folder: Path) -> str:
    """The manifests of a kustomization; none where there is none."""
    if not folder.is_dir():
        return ""
    tool = ["kustomize", "build"] if shutil.which("kubectl") is None else ["kubectl", "kustomize"]
    try:
        done = subprocess.run([*tool, str(folder)], capture_output=True, text=True, timeout=_SECONDS)
    except FileNotFoundError as error:
        raise ConfigurationError("neither kubectl nor kustomize is here: install kubectl 1.27 or newer") from error
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(f"{folder} took over {_SECONDS} s to render: look for a remote resource") from error
    if done.returncode:
        raise ConfigurationError(f"{folder} does not render: {' '.join(done.stderr.split())[-500:]}")
    return done.stdout


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True)
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()
        raise ConfigurationError(f"`git {arguments[0]}` failed: {message}; is the commit fetched?")
    return done.stdout
