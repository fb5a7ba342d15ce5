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
from release.evidence import metrics, reports, sources
from release.evidence.connection import Access
from release.evidence.sources import Source
from release.gitops.folder import Folder
from release.gitops.release import Proof, Release
from release.readiness import Address, Cluster, Unseen


def elsewhere(source: Source, situation: Situation, release: Release) -> str | None:
    """What `source` shows of `release` without asking its host, in one sentence; None where the host is to be asked.

    Unseen (41), StorageError (30), ConfigurationError (10).
    """
    if source.kind == sources.PROMETHEUS:
        return metrics.ready_pods(source.url, situation, release)
    if source.kind == sources.ARGOCD:
        return reports.verdict_of(source, situation, release)
    return None


@dataclass(frozen=True)
class Prover:
    """Asks the releases of one environment; `url`: where a person says that the one to be proved answers."""

    store: Store
    cluster: Cluster
    url: str | None = None

    @classmethod
    def of(cls, checkout: Checkout, folder: Folder, arguments: argparse.Namespace) -> Prover:
        """The prover of the environment `folder`, by the options that `command_line.add_release_host` adds."""
        return cls(
            checkout.store,
            Cluster(folder, checkout.settings.domain, arguments.gateway, joint=checkout.settings.joint),
            arguments.url,
        )

    def required(self, situation: Situation, release: Release) -> Release:
        """`release` with a proof, or as it is where the environment asks for none. Unseen (41) as `prove`."""
        return self.prove(situation, release) if situation.environment.proves else release

    def prove(self, situation: Situation, release: Release) -> Release:
        """`release` with a proof of what it is rendered from now; as it is when it has that.

        Unseen (41) when its host does not answer, or answers something else; IntegrityError (20), StorageError (30).
        """
        if situation.folder.proved(situation.tip, release):
            return release
        evidence = self.evidence(situation, release)
        return dataclasses.replace(
            release, proof=Proof(now(), situation.folder.spec_digest(situation.tip, release), evidence)
        )

    def source(self, situation: Situation) -> Source:
        """How its environment is seen: by its hosts where a person says where these are, else as the branch says."""
        source = sources.of(situation.tip, situation.folder.environment)
        by_person = self.url is not None or self.cluster.gateway is not None
        return Source(access=source.access) if by_person else source

    def evidence(self, situation: Situation, release: Release) -> str:
        """What shows that `release` is ready as it is rendered now, in one sentence. Errors as of `prove`."""
        source = self.source(situation)
        return elsewhere(source, situation, release) or self._answers(situation, release, source.access)

    def _answers(self, situation: Situation, release: Release, access: Access) -> str:
        model, uri = situation.folder.model, ArtifactUri.parse(release.uri)
        cluster = self.cluster.by(access)
        address = cluster.release(release.name) if self.url is None else Address(self.url, access=access)
        if (problem := readiness.lacking(address, model, release)) is not None:
            raise Unseen(
                f"{release.name} is not proved: {problem}; wait until the cluster has it (--wait), or say where it "
                "answers with --url or --gateway"
            )
        manifest = Manifest.from_bytes(self._bytes(uri, MANIFEST, uri.digest))
        golden_digest = next((file.sha256 for file in manifest.files if file.path == golden.FILE), "")
        golden_requests = json.loads(self._bytes(uri, golden.FILE, golden_digest))
        return readiness.replay(address, model, manifest.signature, golden_requests)

    def _bytes(self, uri: ArtifactUri, path: str, expected_digest: str) -> bytes:
        data = self.store.get(uri.key + path)
        if data is None or digest.of_bytes(data) != expected_digest:
            raise IntegrityError(f"{path} at {uri} is missing or has other bytes than were published: publish it again")
        return data
