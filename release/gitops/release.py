"""One release: a model with its image. They move, and roll back, together, under one name."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from artifact.digest import ArtifactUri
from artifact.errors import ConfigurationError

_IMAGE = re.compile(r"[a-z0-9][a-z0-9.:_/-]*@sha256:[0-9a-f]{64}")
SHORTEST = 8  # characters of a digest that are taken for its beginning
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True)
class Proof:
    """The evidence that a release answered at its own host before it got traffic."""

    since: str  # UTC, ISO 8601
    spec: str  # digest of what its InferenceService and its runtime are rendered from (release.gitops.spec_digest)
    evidence: str  # what answered, in one sentence


@dataclass(frozen=True)
class Release:
    """An artifact in an image, and what became of it in one environment."""

    digest: str  # of the artifact
    uri: str  # storageUri, ends in digest and slash
    image: str  # <repository>@sha256:<hex>
    since: str  # UTC, ISO 8601: when it was deployed here, or began to get all traffic
    inputs_digest: str  # first inputs that made the artifact
    data_digest: str
    source_commit: str  # that published the artifact
    run_commit: str  # that the deploying run stood on: orders runs that finish late
    gate: str  # verdict it was published with
    rendered: bool = False  # Git holds its InferenceService
    served: bool = False  # it had traffic here
    rejected: bool = False  # it was taken back here: no rollback leads to it by itself
    left: str | None = None  # UTC: when it lost its traffic; None while it has some, or when it never had any
    proof: Proof | None = None

    def __post_init__(self) -> None:
        if ArtifactUri.parse(self.uri).digest != self.digest:
            raise ConfigurationError(f"the URI {self.uri!r} does not end in the digest {self.digest!r}")
        parse_image(self.image)
        for commit in (self.source_commit, self.run_commit):
            if not _COMMIT.fullmatch(commit):
                raise ConfigurationError(f"{commit!r} is not a commit: expected its 40 hexadecimal characters in full")

    @property
    def model(self) -> str:
        """Name of the model."""
        return ArtifactUri.parse(self.uri).model

    @property
    def name(self) -> str:
        """`<model>-<8 hexadecimal digits of digest and image>`: that of its InferenceService too."""
        return f"{self.model}-{hashlib.sha256((self.digest + self.image).encode()).hexdigest()[:8]}"

    def same(self, other: Release | None) -> bool:
        """Whether both name the same model and image: the cluster would see no difference."""
        return other is not None and (self.uri, self.image) == (other.uri, other.image)

    def called(self, text: str) -> bool:
        """Whether `text` is its name, or its digest with or without `sha256-`."""
        return text in (self.name, self.digest, self.digest.removeprefix("sha256-"))

    def begins(self, text: str) -> bool:
        """Whether `text` is the beginning of its digest, with or without `sha256-`, as `release status` shows it."""
        short = text.removeprefix("sha256-")
        return len(short) >= SHORTEST and self.digest.removeprefix("sha256-").startswith(short)


def parse_image(text: str) -> str:
    """`text` if it names an image by digest; ConfigurationError otherwise, as a tag may move under a running model."""
    if not _IMAGE.fullmatch(text):
        raise ConfigurationError(
            f"the image {text!r} is not named by digest: expected <repository>@sha256:<64 hex>, as image.yml prints it"
        )
    return text
