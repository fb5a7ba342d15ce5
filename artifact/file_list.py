"""The files of an artifact as `manifest.json` lists them, for who reads nothing else of it: standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artifact import digest, strict_json
from artifact.errors import ConfigurationError, IntegrityError

FILE = "manifest.json"
# A signature of manifest.json as sigstore writes it: whoever checks signatures reads it, no digest covers it.
BUNDLE = "manifest.json.sigstore.json"
LARGEST = 16 << 20  # bytes of manifest.json: a signature of 5,000 features has one
PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MOST = 100


@dataclass(frozen=True)
class File:
    """One file of the artifact beside the manifest: flat name, size in bytes, digest."""

    path: str
    size: int
    sha256: str


def of_manifest(data: bytes) -> tuple[File, ...]:
    """The files that the bytes of a manifest list, of whatever schema_version; IntegrityError when they list none."""
    value = strict_json.read(data, FILE)
    try:
        return read(value["files"])
    except (ValueError, KeyError, TypeError, AttributeError, ConfigurationError) as error:
        raise IntegrityError(f"{FILE} lists no files of an artifact: {error}") from error


def read(entries: Any) -> tuple[File, ...]:
    """The value of the key `files`; ValueError, TypeError or ConfigurationError says what does not fit."""
    if type(entries) is not list or len(entries) > _MOST:
        raise TypeError(f"'files' is no list of at most {_MOST}")
    files = tuple(_file(entry) for entry in entries)
    before: set[str] = set()
    for file in files:
        if file.path in before:
            raise ValueError(f"it names {file.path!r} twice")
        before.add(file.path)
    return files


def _file(entry: Mapping[str, Any]) -> File:
    if set(entry) != {"path", "size", "sha256"}:
        raise ValueError(f"a file has the keys {sorted(entry)}, not path, size and sha256")
    path, size = entry["path"], entry["size"]
    if not isinstance(path, str) or not PATH.fullmatch(path) or path in (FILE, BUNDLE):
        raise ValueError(f"{path!r} cannot be a file of an artifact")
    if type(size) is not int or size < 1:
        raise ValueError(f"{path} has the size {size!r}; KServe's storage initializer drops empty files")
    return File(path, size, digest.parse(entry["sha256"]))
