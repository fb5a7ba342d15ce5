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


def look(here: Checkout) -> Iterator[Finding]:
    """Findings on the signers of each branch, and on each release that is kept where signatures are required."""
    try:
        branch = here.remote()
        with opened(branch) as git:
            there = tip(git, branch)
            asking = [one for one in folders.all_of(there) if one.read(there)[0].signed]
            if not asking:
                yield Finding(PART, OK, "no environment asks for signatures")
            for trusted in {signers.of(there.of(one.environment)): None for one in asking}:
                yield from _signers(trusted)
            for one in asking:
                yield _releases(here, there, one)
    except ModelpinError as error:
        yield Finding(PART, FAULT, str(error), "correct it on the branch, or reach its server", error.exit_code)


def _signers(trusted: Signers) -> Iterator[Finding]:
    if not trusted.listed:
        yield Finding(PART, FAULT, "signatures are required, and nobody's count", "python -m release trust")
    now = datetime.now(UTC)
    for one in trusted.listed:
        if not one.may_sign_at(now):
            yield Finding(PART, WARNING, f"{one.name} might sign until {one.until}, and signs no more", _ROTATE)
        elif not one.may_sign_at(now + _SOON):
            yield Finding(PART, WARNING, f"{one.name} may sign until {one.until}", _ROTATE)
        else:
            yield Finding(PART, OK, f"{one.name} may sign" + (f" until {one.until}" if one.until else ""))


def _releases(here: Checkout, there: Tip, folder: Folder) -> Finding:
    """On all that have an InferenceService in `folder`: what may start there."""
    where, trusted = f"{folder.model} in {folder.environment}", signers.of(there.of(folder.environment))
    kept = [one for one in folder.read(there)[1].releases if one.rendered]
    try:
        names = {one.name: attested.find(here.store, ArtifactUri.parse(one.uri), trusted).signer.name for one in kept}
    except ModelpinError as error:
        remedy = "publish it again and deploy that, or go back to one that is signed"
        return Finding(PART, FAULT, f"{where}: {error}", remedy, error.exit_code)
    signed = ", ".join(f"{name} by {signer}" for name, signer in names.items()) or "it keeps no release"
    return Finding(PART, OK, f"{where}: {signed}")
