"""Signing without a key, by Sigstore: a certificate for who this workflow is, and an entry in a public log."""

from __future__ import annotations

from pathlib import Path

import requests
from sigstore import dsse
from sigstore._internal.fulcio.client import FulcioClientError  # sigstore lets these two through as they are
from sigstore._internal.rekor import RekorClientError
from sigstore.errors import Error
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityError, IdentityToken, detect_credential
from sigstore.sign import SigningContext

from artifact.attestation.statement import Statement
from artifact.errors import ConfigurationError, StorageError
from release.signing.variables import KEYLESS, TRUST_CONFIG, WAY, Sign


def signer(trust_config: Path | None) -> Sign:
    """What signs as the workflow that this process belongs to.

    `trust_config`: the file in Sigstore's form that describes another instance than Sigstore's public one. The signer
    raises ConfigurationError (10) where nothing says who this process is, StorageError (30) where Sigstore does not
    answer or refuses.
    """

    def sign(statement: Statement) -> bytes:
        token = _token()
        payload = statement.to_bytes()
        try:
            context = SigningContext.from_trust_config(_instance(trust_config))
            with context.signer(token) as signer:
                return signer.sign_dsse(dsse.Statement(payload)).to_json().encode()
        except (Error, FulcioClientError, RekorClientError, requests.RequestException) as error:
            raise StorageError(
                f"Sigstore did not sign: {_line(error)}; see https://status.sigstore.dev, then run this again"
            ) from error

    return sign


def _token() -> IdentityToken:
    try:
        raw = detect_credential()
        if raw is None:
            raise IdentityError("this is no job of GitHub that may ask for a token (id-token: write)")
        return IdentityToken(raw)
    except IdentityError as error:
        raise ConfigurationError(
            f"{WAY} is {KEYLESS}, and nothing says who this is: {_line(error)}; sign with a key here"
        ) from error


def _instance(trust_config: Path | None) -> ClientTrustConfig:
    if trust_config is None:
        return ClientTrustConfig.production()
    try:
        return ClientTrustConfig.from_json(trust_config.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{TRUST_CONFIG} names {trust_config}, which is none: {_line(error)}") from error


def trusted_root() -> str:
    """The certificates and logs of Sigstore's public instance, as its update says; StorageError (30) without it."""
    try:
        return ClientTrustConfig.production().trusted_root._inner.to_json()
    except (Error, requests.RequestException) as error:
        raise StorageError(
            f"Sigstore's root cannot be fetched: {_line(error)}; give a file by --trusted-root"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(f"{error or type(error).__name__}".split())[:300]
