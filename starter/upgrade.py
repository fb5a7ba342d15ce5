"""Follow a later version of modelpin: its code whole, your files untouched, migrations and tests run, one commit.

All of it happens in a worktree beside; this checkout moves only at the end, when everything went well. A code file that
was changed here is named, and the change kept as a patch in patches/.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from artifact import git
from artifact.errors import GateRefused, GitError, UsageError
from artifact.git import GitFailed
from artifact.quantity import quantity
from starter import code_files
from starter.origin import FILE, Origin

_SECONDS = 300.0
MIGRATIONS = "migrations"  # folder of programs, each named after the version that needs it
PATCHES = "patches"


@dataclass(frozen=True)
class Upgrade:
    """What was done: from which version to which, code files that were changed here, and the patch that keeps them."""

    before: str
    after: str
    changed: tuple[str, ...]
    patch: str | None
    migrations: tuple[str, ...]


def main(argv: Sequence[str] | None = None) -> None:
    """As the module says; exit 41 where the tests of the new version fail, 50 where Git refuses."""
    line = argparse.ArgumentParser(prog="python -m starter upgrade", description=__doc__)
    line.add_argument("--to", required=True, metavar="VERSION", help="a tag of the repository in modelpin.json")
    line.add_argument("--no-tests", action="store_true", help="leave `make test` to you")
    options = line.parse_args(argv)
    done = upgrade(Path.cwd(), options.to, tests=not options.no_tests)
    for path in done.changed:
        print(f"changed here, and replaced: {path}")
    if done.patch is not None:
        print(f"the changes are kept in {done.patch}: look at them, then `git apply --3way {done.patch}`")
    migrations = quantity(len(done.migrations), "migration")
    print(f"{done.before} → {done.after}, {migrations}, one commit; `git show --stat` shows it")


def upgrade(root: Path, version: str, *, tests: bool) -> Upgrade:
    """UsageError (2) for uncommitted changes, or a version that is not there or not new; nothing is changed then."""
    if git.run("status", "--porcelain", folder=root).strip():
        raise UsageError("there are uncommitted changes: commit or stash them, then run this again")
    origin = Origin.read(root)
    new = _fetched(root, origin, version)
    if new == origin.commit:
        raise UsageError(f"this repository is at {version} already ({FILE})")
    with _worktree(root) as there:
        done = _replaced(there, origin, version, new)
        Origin(origin.source, version, new).write(there)
        for migration in done.migrations:
            _command(there, root, [sys.executable, f"{MIGRATIONS}/{migration}.py"], f"the migration {migration}")
        if tests:
            _command(there, root, ["make", "test"], "`make test` of the new version")
        git.run("add", "--all", folder=there)
        git.run("commit", "--quiet", "--message", f"Upgrade modelpin from {done.before} to {version}", folder=there)
        commit = git.run("rev-parse", "HEAD", folder=there).strip()
        git.run("merge", "--quiet", "--ff-only", commit, folder=root, seconds=_SECONDS)
    return done


def _fetched(root: Path, origin: Origin, version: str) -> str:
    """Bring the old commit and the tag `version`, and return its commit."""
    try:
        git.run(
            "fetch", "--quiet", "--no-tags", origin.source, origin.commit, f"refs/tags/{version}",
            folder=root, seconds=_SECONDS,
        )  # fmt: skip
    except GitFailed as failed:
        raise UsageError(f"{version} cannot be brought from {origin.source}: {failed.detail}") from failed
    return git.run("rev-parse", f"{_last_fetched(root)}^{{commit}}", folder=root).strip()


def _last_fetched(root: Path) -> str:
    """The object of the tag: the last line of what was fetched."""
    path = git.run("rev-parse", "--git-path", "FETCH_HEAD", folder=root).strip()
    return (root / path).read_text(encoding="utf-8").splitlines()[-1].split()[0]


@contextmanager
def _worktree(root: Path) -> Iterator[Path]:
    """HEAD of `root`, checked out beside it, without a branch; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="modelpin-upgrade-") as folder:
        there = Path(folder) / "tree"
        git.run("worktree", "add", "--quiet", "--detach", str(there), "HEAD", folder=root, seconds=_SECONDS)
        try:
            yield there
        except GitFailed as failed:
            raise GitError(f"the upgrade stopped, nothing was changed: {failed.detail}") from failed
        finally:
            with suppress(GitFailed):
                git.run("worktree", "remove", "--force", str(there), folder=root)


def _replaced(there: Path, origin: Origin, version: str, new: str) -> Upgrade:
    """Put the code of the commit `new` in place of that of the old one."""
    old_files, new_files = code_files.of(origin.commit, there), code_files.of(new, there)
    current = code_files.of("HEAD", there)
    differing = git.output("diff", "--name-only", "-z", origin.commit, "HEAD", folder=there).decode().split("\0")
    # A file of the user's own beside the code stays, unless the new version has one of that name.
    changed = tuple(sorted(path for path in differing if path in old_files or path in current & new_files))
    patch = None
    if changed:
        patch = f"{PATCHES}/{origin.version}-{version}.patch"
        content = git.output("diff", "--binary", origin.commit, "HEAD", "--", *changed, folder=there)
        (there / PATCHES).mkdir(exist_ok=True)
        (there / patch).write_bytes(content)
    gone = sorted(old_files & current - new_files)
    if gone:
        git.run("rm", "--quiet", "--force", "--", *gone, folder=there)
    begun = {path for path in code_files.first(origin.commit, new, there) if not (there / path).exists()}
    for start in range(0, len(names := sorted(new_files | begun)), 500):
        git.run("checkout", "--quiet", new, "--", *names[start : start + 500], folder=there, seconds=_SECONDS)
    return Upgrade(origin.version, version, changed, patch, tuple(_migrations(there, origin.version, version)))


def _migrations(there: Path, before: str, after: str) -> list[str]:
    """Names of the programs of versions after `before`, the oldest first."""
    names = (path.stem for path in (there / MIGRATIONS).glob("v*.py"))
    return sorted((name for name in names if _number(before) < _number(name) <= _number(after)), key=_number)


def _number(version: str) -> tuple[int, ...]:
    """`v0.10.1` → (0, 10, 1); of a commit, which is before every version, nothing."""
    return tuple(map(int, re.findall(r"\d+", version))) if version.startswith("v") else ()


def _command(there: Path, root: Path, command: Sequence[str], title: str) -> None:
    environment = os.environ | {"MODELPIN_VENVS": str((root / ".venvs").resolve())}
    done = subprocess.run(command, cwd=there, env=environment, stdout=sys.stderr, check=False)
    if done.returncode:
        raise GateRefused(f"{title} ended with {done.returncode}: nothing was changed here; its output says why")
