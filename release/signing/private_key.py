"""Signing with a private key: ECDSA on the curve P-256, in PEM."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from artifact.attestation import bundle
from artifact.attestation.signers import Signers
from artifact.attestation.statement import Statement
from artifact.errors import ConfigurationError
from release.signing.variables import KEY, Sign

_REMEDY = "make one as docs/signed-models.md says: ECDSA on the curve P-256, in PEM, without a password"


def signer(pem: str, trusted: Signers) -> Sign:
    """What signs with the private key `pem`; errors as of `release.signing.chosen.sign`."""
    try:
        private = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{KEY} holds no private key: {str(error)[:200]}; {_REMEDY}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise ConfigurationError(f"{KEY} holds a key of another kind: {_REMEDY}")
    public = _encoded(private.public_key())
    _require_trusted(public, trusted)

    def sign(statement: Statement) -> bytes:
        payload = statement.to_bytes()
        signature = private.sign(bundle.signed_bytes(payload), ec.ECDSA(hashes.SHA256()))
        return bundle.by_key(payload, signature, public)

    return sign


def public_part(pem: str, origin: str) -> bytes:
    """The public key, DER, in the text of a PEM file, public or private; ConfigurationError (10) names `origin`."""
    data = pem.encode()
    try:
        key = load_pem_private_key(data, None).public_key() if b"PRIVATE" in data else load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{origin} holds no key: {str(error)[:200]}; {_REMEDY}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigurationError(f"{origin} holds a key of another kind: {_REMEDY}")
    return _encoded(key)


def _encoded(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _require_trusted(public: bytes, trusted: Signers) -> None:
    """What nobody would accept is not signed."""
    entry = next((signer for signer in trusted.listed if signer.key == public), None)
    if not trusted.listed:
        return  # nobody asks yet
    if entry is None:
        raise ConfigurationError(
            f"the key in {KEY} is none of those that are trusted ({trusted.names}): add it with "
            "`python -m release trust`, and commit that"
        )
    if not entry.may_sign_at(datetime.now(UTC)):
        raise ConfigurationError(
            f"the key in {KEY}, {entry.name}, was allowed to sign until {entry.until}: make another one, trust it "
            f"and put it into {KEY}"
        )
