"""Make a repository of your own from this one, without the example's data, records and history."""

from __future__ import annotations

import argparse
import io
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from artifact import git
from artifact.errors import GitError, UsageError
from artifact.git import GitFailed
from starter.code_files import EXAMPLES
from starter.origin import FILE, Origin

_SECONDS = 120.0


def main(argv: Sequence[str] | None = None) -> None:
    """Write DIR from the commit that is checked out here, as one commit."""
    line = argparse.ArgumentParser(prog="python -m starter new", description=__doc__)
    line.add_argument("folder", type=Path, metavar="DIR", help="a folder that does not exist, or is empty")
    options = line.parse_args(argv)
    try:
        origin = make(Path.cwd(), options.folder)
    except GitFailed as failed:
        raise GitError(f"nothing was made in {options.folder}: {failed.detail}") from failed
    print(f"{options.folder}: made from {origin.version}; next: cd {options.folder} && make setup")
    print("then `python -m starter init` with a table of yours; later versions come by `make upgrade TO=…`")


def make(repository: Path, folder: Path) -> Origin:
    """The repository in `folder` from HEAD of the one in `repository`; UsageError (2) where something is in the way.

    It is made beside `folder`, which is complete or not there, whatever happens.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and is not empty: name another folder")
    commit = git.run("rev-parse", "HEAD", folder=repository).strip()
    origin = Origin(_source(repository), _version(repository, commit), commit)
    archive = git.output("archive", "--format=tar", commit, folder=repository, seconds=_SECONDS)
    target = folder.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        repository_folder = Path(scratch) / target.name
        repository_folder.mkdir()
        _fill(repository_folder, archive, origin)
        repository_folder.rename(target)
    return origin


def _fill(folder: Path, archive: bytes, origin: Origin) -> None:
    """The files of `archive` but the example's, as one commit."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(
            folder, [file for file in files.getmembers() if not file.name.startswith(EXAMPLES)], filter="data"
        )
    origin.write(folder)
    git.run("init", "--quiet", "--initial-branch=main", folder=folder)
    git.run("add", "--all", folder=folder)
    git.run("add", "--force", FILE, folder=folder)
    git.run("commit", "--quiet", "--message", f"Begin with modelpin {origin.version}", folder=folder, seconds=_SECONDS)


def _source(repository: Path) -> str:
    """The URL of `origin`; the path of the repository itself without one."""
    try:
        url = git.run("config", "--get", "remote.origin.url", folder=repository).strip()
    except GitFailed:
        return str(repository.resolve())
    return str((repository / url).resolve()) if (repository / url).exists() else url


def _version(repository: Path, commit: str) -> str:
    """The newest tag `v…` at or before `commit`; the commit itself without one."""
    try:
        return git.run("describe", "--tags", "--abbrev=0", "--match=v*", commit, folder=repository).strip()
    except GitFailed:
        return commit
