"""Prove a release: it answers at its own host, with its digest and its golden requests, before it gets traffic."""

from __future__ import annotations

import argparse
import dataclasses
import json
from dataclasses import dataclass

from artifact import digest, golden
from artifact.digest import ArtifactUri
from artifact.errors import IntegrityError
from artifact.manifest import FILE as MANIFEST
from artifact.manifest import Manifest
from release import readiness
from release.bucket.store import Store
from release.change import Situation
from release.checkout import Checkout
from release.clock import now
from release.gitops.folder import Folder
from release.gitops.release import Proof, Release
from release.readiness import Address, Cluster, Unseen


@dataclass(frozen=True)
class Prover:
    """Asks the releases of one environment; `url`: where a person says that the one to be proved answers."""

    store: Store
    cluster: Cluster
    url: str | None = None

    @classmethod
    def of(cls, here: Checkout, folder: Folder, arguments: argparse.Namespace) -> Prover:
        """Of the environment `folder`, by the options that `command_line.add_release_host` adds."""
        return cls(here.store, Cluster(folder, here.settings.domain, arguments.gateway), arguments.url)

    def required(self, situation: Situation, release: Release) -> Release:
        """`release` with a proof, or as it is where the environment asks for none. Unseen (41) as `prove`."""
        return self.prove(situation, release) if situation.environment.proves else release

    def prove(self, situation: Situation, release: Release) -> Release:
        """`release` with a proof of what it is rendered from now; as it is when it has that.

        Unseen (41) when its host does not answer, or answers something else; IntegrityError (20), StorageError (30).
        """
        if situation.folder.proved(situation.tip, release):
            return release
        model, uri = situation.folder.model, ArtifactUri.parse(release.uri)
        where = self.cluster.release(release.name) if self.url is None else Address(self.url)
        if (problem := readiness.lacking(where, model, release)) is not None:
            raise Unseen(
                f"{release.name} is not proved: {problem}; wait until the cluster has it (--wait), or say where it "
                "answers with --url or --gateway"
            )
        manifest = Manifest.from_bytes(self._bytes(uri, MANIFEST, uri.digest))
        golden_digest = next((file.sha256 for file in manifest.files if file.path == golden.FILE), "")
        golden_requests = json.loads(self._bytes(uri, golden.FILE, golden_digest))
        evidence = readiness.replay(where, model, manifest.signature, golden_requests)
        return dataclasses.replace(
            release, proof=Proof(now(), situation.folder.spec_digest(situation.tip, release), evidence)
        )

    def _bytes(self, uri: ArtifactUri, path: str, expected_digest: str) -> bytes:
        data = self.store.get(uri.key + path)
        if data is None or digest.of_bytes(data) != expected_digest:
            raise IntegrityError(f"{path} at {uri} is missing or has other bytes than were published: publish it again")
        return data
