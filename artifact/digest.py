"""SHA-256 digests, how they are written, and the URI whose last segment is one.

A digest is always the word `sha256-` and 64 lowercase hexadecimal characters: valid as a path segment, a label value
and a shell word, so that it is written the same in S3, Git, Kubernetes and HTTP.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact.errors import ConfigurationError

_DIGEST = re.compile(r"sha256-[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_URI = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<prefix>[A-Za-z0-9._/-]+)/(?P<model>[^/]+)/(?P<digest>sha256-[0-9a-f]{64})/"
)
_CHUNK = 1 << 20


def canonical_json(value: Any) -> bytes:
    """The one byte form of a JSON value: keys sorted, no white space, UTF-8, no NaN, one newline at the end."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def of_bytes(data: bytes) -> str:
    """Digest of `data`."""
    return "sha256-" + hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> str:
    """Digest of the bytes of the file at `path`, read in pieces of 1 MiB."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
    return "sha256-" + sha256.hexdigest()


def of_tree(root: Path, paths: Iterable[Path]) -> str:
    """Digest of the sorted list of (path relative to `root`, digest of the file): order and location do not matter."""
    listing = sorted((path.relative_to(root).as_posix(), of_file(path)) for path in paths)
    return of_bytes(canonical_json(listing))


def parse(text: str) -> str:
    """Return `text` if it is a digest, with or without `sha256-`; ConfigurationError otherwise."""
    if not is_digest(text):
        raise ConfigurationError(
            f"{text!r} is not a digest: expected sha256- and 64 lowercase hexadecimal characters, "
            "as the last segment of a storageUri has them"
        )
    return text if text.startswith("sha256-") else f"sha256-{text}"


def is_digest(text: str) -> bool:
    """Whether `parse` takes it."""
    return _DIGEST.fullmatch(text if text.startswith("sha256-") else f"sha256-{text}") is not None


def model_name(text: str) -> str:
    """Return `text` if it can name an InferenceService, a folder and an S3 segment alike (an RFC 1123 label)."""
    if not _NAME.fullmatch(text):
        raise ConfigurationError(
            f"{text!r} cannot name a model: use 1 to 63 lowercase letters, digits and '-', "
            "beginning and ending with a letter or digit"
        )
    return text


@dataclass(frozen=True)
class ArtifactUri:
    """`s3://<bucket>/<prefix>/<model>/<digest>/`: the only shape of a storageUri that names an artifact."""

    bucket: str
    prefix: str
    model: str
    digest: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def key(self) -> str:
        """The S3 key prefix of its objects, with the trailing slash: without it KServe takes neighbours too."""
        return f"{self.prefix}/{self.model}/{self.digest}/"

    @property
    def about(self) -> str:
        """The S3 key prefix of documents about it, with the trailing slash: no part of it, and not served with it."""
        return f"{self.prefix}/{self.model}/about/{self.digest}/"

    @classmethod
    def parse(cls, text: str) -> ArtifactUri:
        """Read a storageUri; ConfigurationError names what does not fit."""
        match = _URI.fullmatch(text)
        if not match or any(part in ("", ".", "..") for part in match["prefix"].split("/")):
            raise ConfigurationError(
                f"{text!r} is not the URI of an artifact: expected s3://<bucket>/<prefix>/<model>/sha256-<64 hex>/ "
                "with the trailing slash, as `python -m release publish` prints it"
            )
        return cls(match["bucket"], match["prefix"], model_name(match["model"]), match["digest"])
