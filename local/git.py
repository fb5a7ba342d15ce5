"""The platform's Git origin: a bare repository whose post-receive hook plays GitHub's decision on workflows."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from artifact import git
from artifact.errors import GitError
from artifact.git import GitFailed
from local.state import REPOSITORY, State, environment

_SECONDS = 600.0  # of a clone or a push with the workflows that it starts
ZERO = "0" * 40
BRANCH = "main"
# Nothing of a person's own settings: signing, hooks, templates and aliases would change what the platform does.
PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


def run(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Standard output of a git command in `folder`; GitError with git's own words when it fails.

    The environment holds nothing of the caller's shell (a hook's GIT_DIR would point every command at the origin).
    """
    try:
        return git.run(*arguments, folder=folder, environment=environment({**PLAIN, **(env or {})}), seconds=_SECONDS)
    except GitFailed as failure:
        raise GitError(f"git {' '.join(arguments[:2])} in {folder} failed: {failure.detail}") from failure


def has_commit(folder: Path) -> bool:
    """Whether `folder` is the top of a Git repository with a commit that Git is willing to read."""
    try:
        top = run(folder, "rev-parse", "--show-toplevel").strip()
        run(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    except GitError:
        return False
    return Path(top).resolve() == folder.resolve()


def make_origin(state: State, remote: str = "") -> Path:
    """The bare repository with its hook; made at the first call, hook and settings written again at each.

    `remote`: the setting gitops-remote. On this platform that URL means the origin: nothing is pushed elsewhere.
    """
    if not (state.origin / "HEAD").exists():
        state.origin.parent.mkdir(parents=True, exist_ok=True)
        run(state.origin.parent, "init", "--bare", "--quiet", f"--initial-branch={BRANCH}", str(state.origin))
    hook = state.origin / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    for name, value in {
        "core.hooksPath": str(hook.parent),  # a person's global hooksPath would hide the hook
        "uploadpack.allowReachableSHA1InWant": "true",  # actions/checkout fetches a commit that main may have left
        "receive.shallowUpdate": "true",  # the checkout that is pushed may be a shallow clone
    }.items():
        run(state.origin, "config", name, value)
    state.git_config.unlink(missing_ok=True)
    run(
        state.root,
        "config",
        "--file",
        str(state.git_config),
        f"url.{state.origin}.insteadOf",
        remote or str(state.origin),
    )
    command = [sys.executable, "-m", "local.receive", "--state", str(state.root)]
    hook.write_text(
        "#!/bin/sh\n"
        "# Written by `python -m local up`: decides which workflows a push starts, and runs them.\n"
        f"export PYTHONPATH={shlex.quote(str(REPOSITORY))}\n"
        f"exec {shlex.join(command)}\n"
    )
    hook.chmod(0o755)
    return state.origin


def changed(repository: Path, old: str, new: str) -> list[str]:
    """Paths in which `new` differs from `old`; a new branch is compared with its fork from main, or with nothing."""
    if old == ZERO:
        old = _fork(repository, new)
    return _lines(run(repository, "diff-tree", "-r", "-z", "--no-renames", "--name-only", old, new))


def show(repository: Path, commit: str, path: str) -> str | None:
    """The text of a file in a commit, or None."""
    try:
        return run(repository, "show", f"{commit}:{path}")
    except GitError:
        return None


def files(repository: Path, commit: str, folder: str) -> list[str]:
    """Paths of the files directly in `folder` in a commit, sorted."""
    return sorted(_lines(run(repository, "ls-tree", "-z", "--name-only", commit, f"{folder}/")))


def _fork(repository: Path, commit: str) -> str:
    empty = run(repository, "hash-object", "-t", "tree", "/dev/null").strip()
    try:
        if run(repository, "rev-parse", f"refs/heads/{BRANCH}").strip() == commit:  # main itself is the new branch
            return empty
        return run(repository, "merge-base", f"refs/heads/{BRANCH}", commit).strip()
    except GitError:
        return empty


def _lines(text: str) -> list[str]:
    return [part for part in text.split("\0") if part]
