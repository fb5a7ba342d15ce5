"""The branch that releases are pushed to: read and changed from a temporary bare clone, by compare-and-swap.

When somebody else has pushed first, the change is decided again from the new tip: nothing is merged, rebased or forced.
The clone has no working tree, so no filter, hook or line ending of this machine has a say in what is committed.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from artifact.errors import GitError
from artifact.git import GitFailed, redact
from release import backoff
from release.git.client import Caller, Git
from release.git.tip import Tip

FOLDER = "gitops/"
_REFUSALS = 5  # pushes refused although nobody else moved the branch
_FETCHES = 3
_LONGEST_PAUSE = 3.0


@dataclass(frozen=True)
class Branch:
    """Where releases go: the branch `name` at `url`; `caller` lends its credentials and knows the source history.

    `path`: the name there of the folder that is gitops/ here. `seconds`: for all the Git work of one command, so that
    the whole command stays under the promised 120. `family`: all branches that releases go to, this one included, where
    there are several. `environments`: those that this branch holds; empty: all that no other branch holds.
    """

    url: str
    name: str
    caller: Caller
    path: str = "gitops"
    seconds: float = field(default=100.0, compare=False)
    environments: frozenset[str] = frozenset()
    family: tuple[Branch, ...] = field(default=(), compare=False)

    def at(self, path: str) -> str:
        """The path there of the file or folder `path` of this repository's gitops/."""
        return f"{self.path}/{path.removeprefix(FOLDER)}" if path.startswith(FOLDER) else path


@dataclass(frozen=True)
class Change:
    """Whole files (path from the root → text) and the commit message they come with."""

    files: Mapping[str, str]
    message: str

    def __post_init__(self) -> None:
        if not self.files or not all(path.startswith(FOLDER) for path in self.files):
            raise ValueError(f"a release changes files under {FOLDER} only, not {sorted(self.files)}")


def holder(branches: Sequence[Branch], environment: str) -> Branch:
    """The one of `branches` that holds `environment`."""
    return next((branch for branch in branches if environment in branch.environments), branches[0])


@contextlib.contextmanager
def opened(branch: Branch) -> Iterator[Git]:
    """A temporary bare clone of its repository, gone afterwards; every failure of Git inside becomes a GitError."""
    try:
        with tempfile.TemporaryDirectory(prefix="modelpin-", ignore_cleanup_errors=True) as folder:
            yield _clone(Path(folder), branch, time.monotonic() + branch.seconds)
    except GitFailed as failed:
        raise _refused(branch, failed) from failed
    except OSError as error:
        raise GitError(f"the temporary clone of {redact(branch.url)} cannot be kept: {error}") from error


def _clone(folder: Path, branch: Branch, deadline: float) -> Git:
    """An empty bare clone, or the one that is in `folder`."""
    git = Git(folder, branch.url, (*branch.caller.transport(), ("remote.origin.url", branch.url)), deadline)
    git.run("init", "--quiet", "--bare", "--template=", "--initial-branch=unused")
    return git


@dataclass(frozen=True)
class _Family:
    """The tips of the branches that one decision reads: each is fetched once, when it is first asked for."""

    git: Git
    branches: tuple[Branch, ...]
    tips: dict[Branch, Tip]

    def tip(self, branch: Branch) -> Tip:
        if branch not in self.tips:
            folder = self.git.folder / f"branch-{self.branches.index(branch)}"
            try:
                folder.mkdir(exist_ok=True)
                self.tips[branch] = _fetched(_clone(folder, branch, self.git.deadline), branch, self)
            except GitFailed as failed:
                raise _refused(branch, failed) from failed
        return self.tips[branch]

    def of(self, environment: str) -> Tip:
        return self.tip(holder(self.branches, environment))

    def all(self) -> tuple[Tip, ...]:
        return tuple(self.tip(branch) for branch in self.branches)


def tip(git: Git, branch: Branch) -> Tip:
    """Fetch the branch with its history; a remote that fails is asked again within bounds, then GitFailed.

    The tips of the other branches of its family are fetched when they are asked for, once.
    """
    family = _Family(git, branch.family, {}) if branch.family else None
    head = _fetched(git, branch, family)
    if family is not None:
        family.tips[branch] = head
    return head


def _fetched(git: Git, branch: Branch, family: _Family | None) -> Tip:
    tracking = f"refs/remotes/origin/{branch.name}"
    for number in range(1, _FETCHES + 1):
        try:
            # History without file contents: what is read is fetched when it is read, however large the repository.
            git.run(
                "fetch",
                "--quiet",
                "--no-tags",
                "--filter=blob:none",
                "origin",
                f"+refs/heads/{branch.name}:{tracking}",
            )
            break
        except GitFailed:
            if number == _FETCHES:
                raise
            _pause(git, number + 2)
    commit = git.run("rev-parse", "--verify", tracking).strip()
    return Tip(commit, git, branch.path, branch.at, branch.caller.origin, family)


def update(branch: Branch, decide: Callable[[Tip], Change | None]) -> str | None:
    """Push the change that `decide` gives for the tip as one commit. Returns its id, or None when `decide` gives none.

    `decide` is called again from the new tip whenever the branch moved. GitError when the remote refuses or hangs.
    """
    with opened(branch) as git:
        ours = parent = None
        failure = GitFailed("", "", 0)
        refusals = pushes = 0
        while True:
            now = tip(git, branch)
            if ours and (ours == now.commit or now.precedes(ours, now.commit)):
                return ours  # the push went through, only its answer was lost
            refusals = refusals + 1 if parent == now.commit else 0
            if refusals == _REFUSALS:
                raise _refused(branch, failure)
            change = decide(now)
            if change is None:
                return None
            ours, parent = _commit(git, branch, now.commit, change), now.commit
            try:
                git.run("push", "--quiet", "--porcelain", "origin", f"{ours}:refs/heads/{branch.name}")
                return ours
            except GitFailed as failed:
                failure = failed
            pushes += 1
            _pause(git, pushes)


def propose(branch: Branch, decide: Callable[[Tip], Change | None], name: Callable[[], str]) -> str | None:
    """Push the change that `decide` gives to a new branch called `name()`, for people to merge.

    None when `decide` wants no change, or when a branch of that name is there. GitError when the remote refuses.
    """
    with opened(branch) as git:
        now = tip(git, branch)
        change = decide(now)
        if change is None or git.run("ls-remote", "--heads", "origin", f"refs/heads/{name()}"):
            return None
        ours = _commit(git, branch, now.commit, change)
        git.run("push", "--quiet", "--porcelain", "origin", f"{ours}:refs/heads/{name()}")
        return ours


def _commit(git: Git, branch: Branch, parent: str, change: Change) -> str:
    git.run("read-tree", parent)
    paths = sorted(change.files)
    with tempfile.TemporaryDirectory(dir=git.folder) as folder:
        files = [Path(folder) / str(number) for number in range(len(paths))]
        for file, path in zip(files, paths, strict=True):
            file.write_bytes(change.files[path].encode())
        blobs = git.run(
            "hash-object", "-w", "--no-filters", "--stdin-paths", input="".join(f"{path}\n" for path in files)
        )
    lines = [f"100644 {blob}\t{branch.at(path)}\n" for blob, path in zip(blobs.split(), paths, strict=True)]
    git.run("update-index", "--add", "--index-info", input="".join(lines))
    tree = git.run("write-tree", "--missing-ok").strip()
    return git.run("commit-tree", tree, "-p", parent, input=change.message).strip()


def _pause(git: Git, attempt: int) -> None:
    time.sleep(max(0.0, min(backoff.seconds(attempt, _LONGEST_PAUSE), git.deadline - time.monotonic())))


def _refused(branch: Branch, failed: GitFailed) -> GitError:
    return GitError(
        f"{redact(branch.url)} (branch {branch.name}) refused: {failed.detail or f'git exit {failed.code}'}; see "
        "whether this identity may push there, then run this again: what was published stays published"
    )


def branches(git: Git) -> list[str]:
    """The branches that the remote has, by name."""
    lines = git.run("ls-remote", "--heads", "origin").splitlines()
    return sorted(line.partition("refs/heads/")[2] for line in lines)
