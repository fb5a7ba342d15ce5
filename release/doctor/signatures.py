"""Signatures: whose count, for how long, and whether what serves where they are required has one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from artifact.attestation.signers import Signers
from artifact.digest import ArtifactUri
from artifact.errors import ModelpinError
from release.bucket import attested
from release.checkout import Checkout
from release.doctor.finding import FAULT, OK, WARNING, Finding
from release.git.branch import opened, tip
from release.git.tip import Tip
from release.gitops import folder as folders
from release.gitops import signers
from release.gitops.folder import Folder

PART = "signers"
_SOON = timedelta(days=30)
_ROTATE = "trust another one and let it sign (docs/signed-models.md)"


def look(checkout: Checkout) -> Iterator[Finding]:
    """Findings on the signers of each branch, and on each release that is kept where signatures are required."""
    try:
        branch = checkout.remote()
        with opened(branch) as git:
            there = tip(git, branch)
            asking = [folder for folder in folders.all_of(there) if folder.read(there)[0].signed]
            if not asking:
                yield Finding(PART, OK, "no environment asks for signatures")
            for trusted in {signers.of(there.of(folder.environment)): None for folder in asking}:
                yield from _signers(trusted)
            for folder in asking:
                yield _releases(checkout, there, folder)
    except ModelpinError as error:
        yield Finding(PART, FAULT, str(error), "correct it on the branch, or reach its server", error.exit_code)


def _signers(trusted: Signers) -> Iterator[Finding]:
    if not trusted.listed:
        yield Finding(PART, FAULT, "signatures are required, and nobody's count", "python -m release trust")
    now = datetime.now(UTC)
    for signer in trusted.listed:
        if not signer.may_sign_at(now):
            ended = f"{signer.name} was allowed to sign until {signer.until}, and signs no more"
            yield Finding(PART, WARNING, ended, _ROTATE)
        elif not signer.may_sign_at(now + _SOON):
            yield Finding(PART, WARNING, f"{signer.name} may sign until {signer.until}", _ROTATE)
        else:
            yield Finding(PART, OK, f"{signer.name} may sign" + (f" until {signer.until}" if signer.until else ""))


def _releases(checkout: Checkout, there: Tip, folder: Folder) -> Finding:
    """On all that have an InferenceService in `folder`: what may start there."""
    title, trusted = f"{folder.model} in {folder.environment}", signers.of(there.of(folder.environment))
    releases = [release for release in folder.read(there)[1].releases if release.rendered]
    try:
        names = {
            release.name: attested.find(checkout.store, ArtifactUri.parse(release.uri), trusted).signer.name
            for release in releases
        }
    except ModelpinError as error:
        remedy = "publish it again and deploy that, or go back to one that is signed"
        return Finding(PART, FAULT, f"{title}: {error}", remedy, error.exit_code)
    signed = ", ".join(f"{name} by {signer}" for name, signer in names.items()) or "it keeps no release"
    return Finding(PART, OK, f"{title}: {signed}")
