"""Keys, whom a test trusts, and statements about an artifact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from artifact.attestation.signers import Signer, Signers
from artifact.attestation.statement import Statement
from release.signing import private_key

DIGEST = "sha256-" + "a" * 64
OTHER = "sha256-" + "b" * 64


@dataclass(frozen=True)
class Key:
    """A key pair; `pem` is the private part."""

    pem: str
    public: bytes

    def signs(self, statement: Statement) -> bytes:
        """The bundle that this key makes of `statement`."""
        return private_key.signer(self.pem, trusting(self))(statement)


def new_key(curve: ec.EllipticCurve | None = None) -> Key:
    """A new one, on P-256 unless another `curve` is named."""
    private = ec.generate_private_key(curve or ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Key(pem, private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def trusting(*keys: Key, until: date | None = None) -> Signers:
    """Signers that are these keys, called key-0, key-1 …"""
    return Signers(tuple(Signer(f"key-{place}", until, key=key.public) for place, key in enumerate(keys)))


def statement(model_digest: str = DIGEST, model: str = "iris", signed_at: str = "2026-11-26T10:00:00Z") -> Statement:
    """One about an artifact that the gate passed."""
    return Statement(model, model_digest, "sha256-" + "1" * 64, "sha256-" + "2" * 64, "c0ffee", "better", signed_at)
