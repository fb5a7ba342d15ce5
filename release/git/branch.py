"""The branch that releases are pushed to: read and changed from a temporary bare clone, by compare-and-swap.

A change is decided again from what the branch holds each time somebody else was faster: nothing is merged, rebased or
forced. The clone has no working tree, so no filter, hook or line ending of this machine has a say in what is committed.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from artifact.errors import ConfigurationError, GitError
from release import backoff
from release.git.client import Caller, Git, GitFailed, redact

FOLDER = "gitops/"
_REFUSALS = 5  # pushes refused although nobody else moved the branch
_FETCHES = 3
_LONGEST_PAUSE = 3.0


@dataclass(frozen=True)
class Branch:
    """Where releases go: the branch `name` at `url`; `caller` lends its credentials and knows the source history.

    `path`: what this repository calls gitops/ is called there. `seconds`: for all the Git work of one command; with the
    rest of it under the promised 120.
    """

    url: str
    name: str
    caller: Caller
    path: str = "gitops"
    seconds: float = 100.0

    def at(self, path: str) -> str:
        """Where the file or folder `path` of this repository's gitops/ stands there."""
        return f"{self.path}/{path.removeprefix(FOLDER)}" if path.startswith(FOLDER) else path


@dataclass(frozen=True)
class Change:
    """Whole files (path from the root → text) and the commit message they come with."""

    files: Mapping[str, str]
    message: str

    def __post_init__(self) -> None:
        if not self.files or not all(path.startswith(FOLDER) for path in self.files):
            raise ValueError(f"a release changes files under {FOLDER} only, not {sorted(self.files)}")


@dataclass(frozen=True)
class Tip:
    """What the branch holds at one commit."""

    commit: str
    _git: Git
    _branch: Branch

    def read(self, path: str) -> str | None:
        """Text of the file at `path`, None when there is none."""
        blob = self.blob(path)
        if blob is None:
            return None
        if blob not in self._texts:
            self._texts[blob] = self._git.run("cat-file", "blob", blob)
        return self._texts[blob]

    @cached_property
    def _texts(self) -> dict[str, str]:
        """Blob → text of what was read: the files that all models have in common are asked for once."""
        return {}

    def blob(self, path: str) -> str | None:
        """Git's name of the bytes at `path`, without fetching them."""
        return self._files.get(self._branch.at(path))

    @cached_property
    def _files(self) -> dict[str, str]:
        """Path → blob of every file in the folder that releases change: one command, however many are read."""
        listing = self._git.run("ls-tree", "-r", "--full-tree", "-z", self.commit, "--", self._branch.path)
        entries = (entry.partition("\t") for entry in listing.split("\0") if entry)
        return {path: told.split()[2] for told, _, path in entries}

    def holds(self, path: str, text: str) -> bool:
        """Whether the file at `path` is exactly `text`."""
        return self.blob(path) == self._git.run("hash-object", "--stdin", input=text).strip()

    def folders(self, path: str) -> list[str]:
        """Names of the folders in the folder `path`, sorted."""
        folder = self._branch.at(f"{path}/")
        below = (name.removeprefix(folder) for name in self._files if name.startswith(folder))
        return sorted({name.partition("/")[0] for name in below if "/" in name})

    def history(self, path: str) -> Iterator[tuple[float, str]]:
        """Each version of the file at `path`, the newest first: seconds since 1970 of its commit, and its text.

        Of the branch's own commits: what a merge brought counts from the merge.
        """
        where = self._branch.at(path)
        listing = self._git.run("log", "--first-parent", "--format=%H %ct", self.commit, "--", where)
        for line in listing.splitlines():
            commit, _, seconds = line.partition(" ")
            if self._git.run("ls-tree", "--full-tree", commit, "--", where):
                yield float(seconds), self._git.run("cat-file", "blob", f"{commit}:{where}")

    def precedes(self, older: str, newer: str) -> bool:
        """Whether the commit `older` is a strict ancestor of `newer`; False when no known history holds both."""
        if older == newer:
            return False
        found = self._is_ancestor(older, newer)
        if found is None:
            with contextlib.suppress(GitFailed, ConfigurationError):
                # gitops/ lives in another repository: ask the one that the sources come from.
                self._git.run("fetch", "--quiet", "--no-tags", "--", self._branch.caller.origin(), older, newer)
                found = self._is_ancestor(older, newer)
        return bool(found)

    def _is_ancestor(self, older: str, newer: str) -> bool | None:
        try:
            self._git.run("merge-base", "--is-ancestor", older, newer)
        except GitFailed as failed:
            return False if failed.code == 1 else None
        return True


@contextlib.contextmanager
def opened(branch: Branch) -> Iterator[Git]:
    """A temporary bare clone of its repository, gone afterwards; every failure of Git inside becomes a GitError."""
    try:
        with tempfile.TemporaryDirectory(prefix="modelpin-", ignore_cleanup_errors=True) as folder:
            origin = ("remote.origin.url", branch.url)
            git = Git(Path(folder), branch.url, (*branch.caller.transport(), origin), time.monotonic() + branch.seconds)
            git.run("init", "--quiet", "--bare", "--template=", "--initial-branch=unused")
            yield git
    except GitFailed as failed:
        raise _refused(branch, failed) from failed
    except OSError as error:
        raise GitError(f"the temporary clone of {redact(branch.url)} cannot be kept: {error}") from error


def tip(git: Git, branch: Branch) -> Tip:
    """Fetch the branch with its history; a remote that fails is asked again within bounds, then GitFailed."""
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
    return Tip(git.run("rev-parse", "--verify", tracking).strip(), git, branch)


def update(branch: Branch, decide: Callable[[Tip], Change | None]) -> str | None:
    """Push what `decide` makes of the branch as one commit; its id, or None when `decide` wants no change.

    `decide` is called again from the new tip whenever the branch moved. GitError when the remote refuses or hangs.
    """
    with opened(branch) as git:
        ours = parent = None
        failure = GitFailed("", 0)
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
    """Push what `decide` makes of the branch to a new one called `name()`, for people to merge.

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
    blobs = {
        branch.at(path): git.run("hash-object", "-w", "--stdin", input=text).strip()
        for path, text in change.files.items()
    }
    git.run("update-index", "--add", "--index-info", input="".join(f"100644 {blobs[p]}\t{p}\n" for p in sorted(blobs)))
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
