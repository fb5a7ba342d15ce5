"""The files of a branch at one commit, read many at a time, and which of two commits is the older."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Protocol

from artifact.errors import ConfigurationError
from artifact.git import GitFailed
from release.git.client import Git

_SHA1_LENGTH = 40
# Of objects by their names, as Git itself brings what a filtered history left out.
_FETCH_OBJECTS = (
    "-c", "fetch.negotiationAlgorithm=noop",
    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", "--stdin", "origin",
)  # fmt: skip


@dataclass(frozen=True)
class Version:
    """A file as one commit left it: `seconds` since 1970 of the commit, its subject, its trailers, the whole text."""

    commit: str
    seconds: float
    subject: str
    trailers: Mapping[str, str]
    text: str


class _Change(NamedTuple):
    """A commit that changed a file: `blob` is Git's name of the file's bytes from then on."""

    commit: str
    blob: str
    seconds: float
    subject: str
    trailers: Mapping[str, str]


class Family(Protocol):
    """The tips of all branches that hold environments."""

    def of(self, environment: str) -> Tip: ...

    def all(self) -> tuple[Tip, ...]: ...


@dataclass(frozen=True)
class Tip:
    """What the branch holds at one commit."""

    commit: str
    _git: Git
    _path: str  # of what this repository calls gitops/
    _at: Callable[[str], str]  # path here → path there
    _origin: Callable[[], str]  # URL of the repository that the sources come from
    _family: Family | None = None  # where there are several branches

    def read(self, path: str) -> str | None:
        """Text of the file at `path`, None when there is none."""
        return self._overlay[path] if path in self._overlay else self.committed(path)

    def committed(self, path: str) -> str | None:
        """The text at `path` in the commit itself, whatever was written over it."""
        blob = self.blob(path)
        if blob is None:
            return None
        if blob not in self._texts:
            self._texts[blob] = self._git.run("cat-file", "blob", blob)
        return self._texts[blob]

    def of(self, environment: str) -> Tip:
        """The tip of the branch that holds `environment`: this one, or another that this decision reads."""
        there = self if self._family is None else self._family.of(environment)
        return self if there._git is self._git else there

    def all(self) -> tuple[Tip, ...]:
        """The tip of every branch that holds an environment, in the order of the settings."""
        return (self,) if self._family is None else self._family.all()

    def at(self, commit: str) -> Tip:
        """What the same branch held at `commit`, one of its history."""
        return replace(self, commit=commit)

    def load(self, *folders: str) -> None:
        """Fetch every file below `folders` by two commands; else each `read` afterwards would ask the server."""
        prefixes = tuple(self._at(f"{folder}/") for folder in folders)
        if all(prefix.startswith(tuple(self._loaded)) for prefix in prefixes):
            return
        self._loaded.update(prefixes)
        self._bring({blob for path, blob in self._files.items() if path.startswith(prefixes)})

    def _bring(self, blobs: set[str]) -> None:
        """The text of each of `blobs` into `_texts`, by one question to the server."""
        missing = blobs - set(self._texts)
        if not missing:
            return
        names = "".join(f"{blob}\n" for blob in sorted(missing))
        with contextlib.suppress(GitFailed):  # a server that gives out no single objects gave the contents before
            self._git.run(*_FETCH_OBJECTS, input=names)
        self._texts.update(_contents(self._git.output("cat-file", "--batch", input=names)))

    def write(self, files: Mapping[str, str]) -> None:
        """Let `files` (path → text) count as if they were committed. A new folder is not listed."""
        self._overlay.update(files)

    @cached_property
    def _overlay(self) -> dict[str, str]:
        """Path → text of what was written over the commit."""
        return {}

    @cached_property
    def _loaded(self) -> set[str]:
        """Folders that are loaded."""
        return set()

    @cached_property
    def _texts(self) -> dict[str, str]:
        """Blob → text of what was read: the files that all models have in common are asked for once."""
        return {}

    def blob(self, path: str) -> str | None:
        """Git's name of the bytes at `path`, without fetching them."""
        return self._files.get(self._at(path))

    @cached_property
    def _files(self) -> dict[str, str]:
        """Path → blob of every file in the folder that releases change: one command, however many are read."""
        listing = self._git.run("ls-tree", "-r", "--full-tree", "-z", self.commit, "--", self._path)
        entries = (entry.partition("\t") for entry in listing.split("\0") if entry)
        return {path: attributes.split()[2] for attributes, _, path in entries}

    def holds(self, path: str, text: str) -> bool:
        """Whether the file at `path` is exactly `text`."""
        if path in self._overlay:
            return self._overlay[path] == text
        blob, data = self.blob(path), text.encode()
        digest = hashlib.new("sha1" if len(self.commit) == _SHA1_LENGTH else "sha256", usedforsecurity=False)
        digest.update(b"blob %d\0%b" % (len(data), data))
        return blob == digest.hexdigest()

    def folders(self, path: str) -> list[str]:
        """Names of the folders in the folder `path`, sorted."""
        folder = self._at(f"{path}/")
        below = (name.removeprefix(folder) for name in self._files if name.startswith(folder))
        return sorted({name.partition("/")[0] for name in below if "/" in name})

    def history(self, path: str) -> Iterator[Version]:
        """Each version of the file at `path`, the newest first, fetched as it is asked for.

        Only the branch's own commits count: a merged change counts from the merge.
        """
        for version in self._changes(path):
            text = self._git.run("cat-file", "blob", version.blob)
            yield Version(version.commit, version.seconds, version.subject, version.trailers, text)

    def latest(self, path: str, count: int) -> list[Version]:
        """The first `count` of `history`, fetched together."""
        changes = list(itertools.islice(self._changes(path), count))
        self._bring({version.blob for version in changes})
        return [
            Version(version.commit, version.seconds, version.subject, version.trailers, self._texts[version.blob])
            for version in changes
        ]

    def _changes(self, path: str) -> Iterator[_Change]:
        """Each version, its text not yet brought."""
        full_path = self._at(path)
        form = "--format=%H %ct %s%n%(trailers:only,unfold)"
        listing = self._git.run("log", "-z", "--first-parent", form, self.commit, "--", full_path)
        for entry_text in filter(None, listing.split("\0")):
            first, *lines = entry_text.splitlines()
            commit, seconds, subject = first.split(" ", 2)
            trailers = dict(line.split(": ", 1) for line in lines if ": " in line)
            if entry := self._git.run("ls-tree", "--full-tree", commit, "--", full_path):
                yield _Change(commit, entry.split()[2], float(seconds), subject, trailers)

    def precedes(self, older: str, newer: str) -> bool:
        """Whether the commit `older` is a strict ancestor of `newer`; False when no known history holds both."""
        if older == newer:
            return False
        if (older, newer) not in self._order:
            self._order[older, newer] = self._precedes(older, newer)
        return self._order[older, newer]

    @cached_property
    def _order(self) -> dict[tuple[str, str], bool]:
        """(older, newer) → whether it is so: a thousand models that one run deploys ask the same."""
        return {}

    def _precedes(self, older: str, newer: str) -> bool:
        answer = self._is_ancestor(older, newer)
        if answer is None:
            with contextlib.suppress(GitFailed, ConfigurationError):
                # gitops/ lives in another repository: ask the one that the sources come from.
                self._git.run("fetch", "--quiet", "--no-tags", "--", self._origin(), older, newer)
                answer = self._is_ancestor(older, newer)
        return bool(answer)

    def _is_ancestor(self, older: str, newer: str) -> bool | None:
        try:
            self._git.run("merge-base", "--is-ancestor", older, newer)
        except GitFailed as failed:
            return False if failed.code == 1 else None
        return True


def _contents(listing: bytes) -> Iterator[tuple[str, str]]:
    """Blob and text of each object in what `git cat-file --batch` prints; one that is missing is left out."""
    offset = 0
    while offset < len(listing):
        end = listing.index(b"\n", offset)
        blob, kind, *size = listing[offset:end].split()
        offset = end + 1
        if kind != b"missing":
            end = offset + int(size[0])
            yield blob.decode(), listing[offset:end].decode(errors="replace")
            offset = end + 1
