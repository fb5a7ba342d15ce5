"""Signed statements in the bucket: written beside an artifact once, and read where a trusted signer signed them."""

from __future__ import annotations

import sys

from artifact.attestation import bundle, verify
from artifact.attestation.signers import Signers
from artifact.attestation.statement import Statement
from artifact.attestation.verify import Attested
from artifact.digest import ArtifactUri
from artifact.errors import CollisionError, GateRefused, IntegrityError
from artifact.manifest import BUNDLE
from release import verdict
from release.bucket.store import Store
from release.signing.variables import Sign


def put_once(store: Store, uri: ArtifactUri, statement: Statement, sign: Sign) -> bool:
    """Put the signed `statement` beside the artifact at `uri`; False where a signature of it is there already.

    The first one stays: each signing gives other bytes, and nothing in the bucket is overwritten. IntegrityError (20)
    when what is there is none of this artifact.
    """
    key = uri.key + BUNDLE
    there = store.get(key)
    if there is None:
        try:
            return store.put_once(key, sign(statement))
        except CollisionError:  # somebody published the same at the same time
            there = store.get(key) or b""
    earlier = Statement.from_bytes(bundle.read(there).payload)
    if earlier.model_digest != uri.digest:
        raise IntegrityError(f"{uri}{BUNDLE} is of {earlier.model_digest}: see who wrote it, or use another prefix")
    print(f"signed on {earlier.signed_at} already, which stays", file=sys.stderr)
    return False


def find(store: Store, uri: ArtifactUri, trusted: Signers) -> Attested:
    """The statement on the artifact at `uri`.

    IntegrityError (20) unless one of `trusted` signed it while its entry was valid, by the statement's time and by the
    bucket's clock; GateRefused (41) unless it says that the gate passed it.
    """
    key = uri.key + BUNDLE
    data, head = store.get(key), store.head(key)
    if data is None or head is None:
        raise IntegrityError(
            f"nobody signed {uri}: it has no {BUNDLE}; publish it again with SIGNING_KEY or SIGNING=keyless set, or "
            "deploy where environment.yaml asks for no signature"
        )
    attested = verify.verify(data, uri.digest, uri.model, trusted)
    if not attested.signer.may_sign_at(head.modified):
        raise IntegrityError(
            f"{attested.signer.name} was allowed to sign until {attested.signer.until}, and the bucket got "
            f"{uri}{BUNDLE} on {head.modified:%Y-%m-%dT%H:%M:%SZ}: publish it by a signer that has not expired"
        )
    if attested.statement.gate not in verdict.PASSES:
        raise GateRefused(
            f"the signed verdict on {uri} is {attested.statement.gate!r}: only one that passed is deployed"
        )
    return attested
