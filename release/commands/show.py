"""Say what the bucket holds of a published artifact, verified."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from artifact.attestation.signers import Signers
from artifact.digest import ArtifactUri
from artifact.errors import GateRefused, IntegrityError
from release import command_line
from release.bucket import attested, published
from release.bucket.store import Store
from release.checkout import Checkout
from release.commands.status import uri_of
from release.gitops import signers
from release.gitops.worktree import Worktree


def _signer(store: Store, uri: ArtifactUri, trusted: Signers) -> str | None:
    """Who of those that the working tree trusts signed the artifact, and when; None when nobody did."""
    try:
        attestation = attested.find(store, uri, trusted)
    except (IntegrityError, GateRefused):
        return None
    return f"{attestation.signer.name} on {attestation.statement.signed_at}"


def main(argv: Sequence[str] | None = None) -> None:
    """Print its manifest's names and digests. IntegrityError (20), StorageError (30)."""
    line = command_line.parser("show", __doc__)
    line.add_argument(
        "uri", metavar="URI|RELEASE", help="its storageUri, or a release or digest as `release status` shows it"
    )
    line.add_argument("--json", action="store_true", help="for programs")
    arguments, checkout = command_line.parse(line, argv), Checkout.current()
    uri = ArtifactUri.parse(uri_of(checkout.remote, arguments.uri))
    store = Store(dataclasses.replace(checkout.settings, bucket=uri.bucket))
    artifact = published.find(store, uri)
    content = {"digest": uri.digest} | dataclasses.asdict(artifact) | {"uri": str(uri)}
    content["signed_by"] = _signer(store, uri, signers.of(Worktree(checkout.root)))
    if arguments.json:
        print(json.dumps(content, indent=2))
    else:
        content["files"] = ", ".join(f"{file.path} ({file.size} bytes)" for file in artifact.files)
        print("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in content.items()))
