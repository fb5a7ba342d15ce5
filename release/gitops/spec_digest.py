"""What a release's InferenceService and its runtime are rendered from, as one digest: a proof is of one rendered spec.

It is taken of the manifests and patches that kustomize reads, not of what it writes, so that no command needs
kustomize. An edit that changes nothing of the spec, such as of an unused ConfigMap, changes the digest too; a comment
does not. Whatever kustomization.yaml names is followed, in whatever folder of gitops/ it is.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

import yaml

from artifact import digest
from release import quoted_yaml
from release.gitops import record, release_file
from release.gitops.release import Release

_KUSTOMIZATION = "kustomization.yaml"
_OWNED = (record.FILE, release_file.FILE)  # what a release changes is in the digest by itself
_TOP = "gitops/"


class Reader(Protocol):
    """Reads a file by its path from the root of the repository; None when there is none."""

    def read(self, path: str) -> str | None: ...


def of(reader: Reader, folder: str, environment: str, release: Release) -> str:
    """Digest of the spec of `release` as `folder` (`gitops/models/<model>/<environment>`) would render it."""
    files = {path: _content(text) for path, text in _followed(reader, f"{folder}/{_KUSTOMIZATION}", set())}
    spec = release_file.inference_service(release, environment)
    return digest.of_bytes(digest.canonical_json({"release": spec, "files": files}))


def paths(reader: Reader, folder: str) -> set[str]:
    """Every file that `folder` is rendered from, but for the machine-owned ones in it."""
    return {path for path, _ in _followed(reader, f"{folder}/{_KUSTOMIZATION}", set())}


def _followed(reader: Reader, path: str, visited: set[str]) -> Iterator[tuple[str, str]]:
    if path in visited or not path.startswith(_TOP) or posixpath.basename(path) in _OWNED:
        return
    visited.add(path)
    text = reader.read(path)
    if text is None:
        return
    yield path, text
    if posixpath.basename(path) == _KUSTOMIZATION:
        for name in _texts(_content(text)):
            there = posixpath.normpath(posixpath.join(posixpath.dirname(path), name.rpartition("=")[2]))
            folder = not posixpath.splitext(there)[1]
            yield from _followed(reader, f"{there}/{_KUSTOMIZATION}" if folder else there, visited)


@cache
def _content(text: str) -> Any:
    """The documents of a YAML or JSON file, so that comments and spacing do not count; the text of any other.

    Kept, since all models name the same base: nothing may change it.
    """
    try:
        documents = quoted_yaml.documents(text)
        digest.canonical_json(documents)
        return documents
    except (yaml.YAMLError, TypeError, ValueError, RecursionError):
        return text


def _texts(value: Any) -> Iterator[str]:
    """Every one-line text in it: what may be a path."""
    if isinstance(value, str):
        if value and "\n" not in value and "://" not in value:
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
