"""Reads a published artifact from the bucket, and proves it complete before Git may name it."""

from __future__ import annotations

from dataclasses import dataclass

from artifact import digest
from artifact.digest import ArtifactUri
from artifact.errors import GateRefused, IntegrityError
from artifact.manifest import FILE as MANIFEST
from artifact.manifest import File, Manifest
from release import verdict
from release.bucket.store import Store

INPUTS, DATA, COMMIT, GATE = "inputs-digest", "data-digest", "source-commit", "gate-result"


@dataclass(frozen=True)
class Published:
    """A complete artifact in the bucket, and what publish wrote beside its manifest."""

    uri: ArtifactUri
    inputs_digest: str
    data_digest: str
    source_commit: str
    gate: str
    files: tuple[File, ...] = ()  # that its manifest names


def find(store: Store, uri: ArtifactUri) -> Published:
    """The artifact at `uri`, when the bucket holds every file of it and the gate passed it.

    IntegrityError when the manifest or a file is missing or has other bytes; GateRefused without a passed verdict.
    """
    again = "publish the artifact again"
    data = store.get(uri.key + MANIFEST)
    if data is None:
        raise IntegrityError(f"the bucket holds no {MANIFEST} at {uri}: publish the artifact first, or correct the URI")
    if digest.of_bytes(data) != uri.digest:
        raise IntegrityError(f"{MANIFEST} at {uri} is {digest.of_bytes(data)}: it was overwritten; {again} elsewhere")
    manifest = Manifest.from_bytes(data)
    if manifest.model != uri.model:
        raise IntegrityError(f"{uri} holds the model {manifest.model!r}: {again} as it is named")
    for file in manifest.files:
        if not store.holds(uri.key + file.path, file.size, file.sha256):
            raise IntegrityError(f"{file.path} at {uri} is missing or has other bytes than its manifest names: {again}")
    head = store.head(uri.key + MANIFEST)
    metadata = {} if head is None else head.metadata
    lacking = [name for name in (INPUTS, DATA, COMMIT, GATE) if name not in metadata]
    if lacking:
        raise IntegrityError(
            f"{MANIFEST} at {uri} says no {', '.join(lacking)}: it was not written by `release publish`"
        )
    if metadata[GATE] not in verdict.PASSES:
        raise GateRefused(f"the gate's verdict on {uri} is {metadata[GATE]!r}: only a passed model is deployed")
    return Published(
        uri,
        digest.parse(metadata[INPUTS]),
        digest.parse(metadata[DATA]),
        metadata[COMMIT],
        metadata[GATE],
        manifest.files,
    )
