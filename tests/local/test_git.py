"""The origin: what a push changed, and that nothing leaves this machine."""

import subprocess
from pathlib import Path

import pytest

from artifact.errors import GitError
from local import git
from local.state import State, environment


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git.run(tmp_path, "init", "--quiet", f"--initial-branch={git.BRANCH}", "repository")
    return tmp_path / "repository"


def commit(repository: Path, **files: str | None) -> str:
    """Writes (or with None removes) files, `__` in a name being a slash; the new commit."""
    for name, text in files.items():
        file = repository / name.replace("__", "/")
        file.parent.mkdir(exist_ok=True)
        file.unlink() if text is None else file.write_text(text)
    git.run(repository, "add", "--all")
    git.run(repository, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "x")
    return git.run(repository, "rev-parse", "HEAD").strip()


def test_a_new_main_changes_everything(repository: Path) -> None:
    """The first push of main is compared with nothing."""
    assert git.changed(repository, git.ZERO, commit(repository, a="1", b__c="1")) == ["a", "b/c"]


def test_a_new_branch_changes_what_it_adds_to_main(repository: Path) -> None:
    """A branch pushed for the first time is compared with where it left main."""
    commit(repository, a="1")
    git.run(repository, "checkout", "--quiet", "-b", "other")
    first, second = commit(repository, b="1"), commit(repository, c="1")
    assert git.changed(repository, git.ZERO, second) == ["b", "c"]
    assert git.changed(repository, first, second) == ["c"]


def test_removed_and_moved_files_count(repository: Path) -> None:
    """A removal is a change, and a move is one at both ends: a filter on either folder must see it."""
    before = commit(repository, a__x="1", b="1")
    after = commit(repository, a__x=None, c__x="1", b=None)
    assert git.changed(repository, before, after) == ["a/x", "b", "c/x"]


def test_names_of_every_kind(repository: Path) -> None:
    """Spaces and letters beyond ASCII come through as they are."""
    before = commit(repository, a="1")
    after = commit(repository, **{"größe in cm.csv": "1"})
    assert git.changed(repository, before, after) == ["größe in cm.csv"]


def test_the_gitops_remote_means_the_origin_here(tmp_path: Path) -> None:
    """With a gitops-remote in the settings the platform's Git config leads that URL to the local origin."""
    state = State(tmp_path / "state")
    origin = git.make_origin(state, "https://git.example.com/team/modelpin.git")
    listed = subprocess.run(
        ["git", "ls-remote", "--get-url", "https://git.example.com/team/modelpin.git"],
        env=environment({"GIT_CONFIG_GLOBAL": str(state.git_config)}),
        capture_output=True,
        text=True,
    )
    assert listed.stdout.strip() == str(origin)


def test_git_says_why(tmp_path: Path) -> None:
    """A failing command is a Git error with git's own words."""
    with pytest.raises(GitError, match="not a git repository"):
        git.run(tmp_path, "log")
