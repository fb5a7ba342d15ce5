"""Whether somebody who is trusted signed an artifact, and what was stated of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from artifact.attestation import bundle
from artifact.attestation.bundle import Bundle
from artifact.attestation.signers import Signer, Signers
from artifact.attestation.statement import Statement
from artifact.errors import ConfigurationError, IntegrityError


@dataclass(frozen=True)
class Attested:
    """A statement, and who signed it."""

    statement: Statement
    signer: Signer


@dataclass(frozen=True)
class _Verified:
    """The bytes of a statement whose signature holds. `time`: when, by another clock than the signer's, if by any."""

    payload: bytes
    signer: Signer
    time: datetime | None = None


def verify(data: bytes, model_digest: str, model: str, trusted: Signers) -> Attested:
    """What the signature in `data`, the bytes of a bundle, states of the artifact `model_digest`.

    IntegrityError (20) unless one of `trusted` signed it, while it might, and it speaks of this very artifact.
    """
    signed = bundle.read(data)
    verified = _by_identity(data, trusted) if signed.hint is None else _by_key(signed, signed.hint, trusted)
    signer, statement = verified.signer, Statement.from_bytes(verified.payload)
    if (statement.model_digest, statement.model) != (model_digest, model):
        raise IntegrityError(
            f"the signature of {signer.name} is of {statement.model} {statement.model_digest}, "
            f"the artifact is {model} {model_digest}: put back the signature that was published with it"
        )
    for time in (statement.time, verified.time):
        if time is not None and not signer.may_sign_at(time):
            raise IntegrityError(
                f"{signer.name} was allowed to sign until {signer.until}, and signed this on "
                f"{time:%Y-%m-%dT%H:%M:%SZ}: publish the artifact by a signer that has not expired"
            )
    return Attested(statement, signer)


def public_key(signer: Signer) -> ec.EllipticCurvePublicKey:
    """Its key; ConfigurationError (10) unless that is one of ECDSA on the curve P-256."""
    try:
        key = load_der_public_key(signer.key or b"")
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"the key of {signer.name!r} is no public key in DER: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigurationError(f"the key of {signer.name!r} is none of ECDSA on the curve P-256: make one of these")
    return key


def _by_key(signed: Bundle, hint: str, trusted: Signers) -> _Verified:
    signers = [signer for signer in trusted.listed if signer.key is not None and bundle.key_hint(signer.key) == hint]
    if not signers:
        raise IntegrityError(
            f"the artifact is signed by the key {hint[:16]!r}…, which is none of those that are trusted "
            f"({trusted.names}): publish it with one of them, or trust that key"
        )
    try:
        public_key(signers[0]).verify(signed.signature, bundle.signed_bytes(signed.payload), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise IntegrityError(
            f"the signature does not fit what it says that {signers[0].name} signed: one of the two was changed; "
            "publish the artifact again"
        ) from error
    return _Verified(signed.payload, signers[0])


def _by_identity(data: bytes, trusted: Signers) -> _Verified:
    signers = [signer for signer in trusted.listed if signer.key is None]
    if not signers or trusted.trusted_root is None:
        raise IntegrityError(
            f"the artifact is signed by an identity, and none is trusted ({trusted.names}): publish it with one of "
            "these keys, or trust that identity"
        )
    from artifact.attestation import identity  # a quarter of a second, which a key does without

    return _Verified(*identity.verify(data, signers, trusted.trusted_root))
