"""The clone in which the demo works: what its steps share, and how the clone begins."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from local import git
from local.clone import PERSON, Clone
from local.expect import DemoFailed
from local.narrator import Narrator
from local.state import REPOSITORY, State

MODEL, ENVIRONMENT = "iris", "staging"
DATA = "data/iris.csv"


@dataclass
class Demo:
    """What the steps share."""

    state: State
    tell: Narrator
    clone: Clone


def take_clone(state: State, tell: Narrator) -> Clone:
    tell.step("A clone", "so that your own tree is never touched; its origin is the platform's")
    if git.has_commit(REPOSITORY) and (dirty := git.run(REPOSITORY, "status", "--porcelain").splitlines()):
        tell.say(f"your tree has {len(dirty)} uncommitted changes: they are not part of this, only your last commit is")
    folder = state.root / "clone"
    copy(folder, tell)
    git.run(folder, "remote", "add", "origin", str(state.origin))
    if not (folder / f"{DATA}.dvc").exists():
        raise DemoFailed(f"{DATA}.dvc is not in the last commit: the demo is of the example as shipped")
    tell.say(git.run(folder, "log", "-1", "--format=%h %s").strip())
    description = state.describe()
    clone = Clone(state, folder, tell, {**description["s3"], **description["variables"]})
    trust_this_platform(clone, state)
    return clone


def trust_this_platform(clone: Clone, state: State) -> None:
    """Commit that staging takes only what this platform's workflow signed, by its key that is in no commit."""
    clone.python("-m", "release", "trust", "platform", "--key", str(state.signing_key))
    environment = clone.folder / f"gitops/models/{MODEL}/{ENVIRONMENT}/environment.yaml"
    lines = [line for line in environment.read_text("utf-8").splitlines() if not line.startswith("signatures:")]
    environment.write_text("\n".join([*lines, "signatures: required"]) + "\n", "utf-8")
    clone.git("add", "gitops")
    clone.git("commit", "--quiet", "--message", "Deploy only what this platform signed")


def copy(folder: Path, tell: Narrator) -> None:
    """This checkout's last commit as the branch main of a repository without remotes, whatever the checkout lacks."""
    if not git.has_commit(REPOSITORY):
        tell.say("Git reads no commit here (a ZIP, or another user's folder): the files become the first commit")
        ignore = shutil.ignore_patterns(".git", ".venv", ".venvs", ".local", "build", "reports", "__pycache__")
        shutil.copytree(REPOSITORY, folder, symlinks=True, ignore=ignore)
        return begin_history(folder, "The files as downloaded")
    git.run(folder.parent, "clone", "--quiet", "--no-local", "--origin", "source", str(REPOSITORY), str(folder))
    if git.run(folder, "rev-parse", "--is-shallow-repository").strip() == "true":
        tell.say("this is a shallow clone, whose history nobody can fetch: its last commit becomes the first one")
        message = git.run(folder, "log", "-1", "--format=%B")
        shutil.rmtree(folder / ".git")
        return begin_history(folder, message)
    git.run(folder, "checkout", "--quiet", "-B", git.BRANCH)
    git.run(folder, "remote", "remove", "source")
    return None


def begin_history(folder: Path, message: str) -> None:
    """A repository whose only commit holds the files that .gitignore lets through."""
    git.run(folder, "init", "--quiet", f"--initial-branch={git.BRANCH}")
    git.run(folder, "add", "--all")
    git.run(folder, "commit", "--quiet", "--message", message, env=PERSON)
