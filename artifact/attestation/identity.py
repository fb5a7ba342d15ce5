"""Signatures by an identity, as a workflow of GitHub has one: Sigstore's certificate, and its entry in Sigstore's log.

All that is checked against is in `trusted_root`, so that no network is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.x509 import ExtensionNotFound, SubjectAlternativeName
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy
from sigstore_models.trustroot.v1 import TrustedRoot as Content

from artifact.attestation.signers import Signer
from artifact.errors import ConfigurationError, IntegrityError


def signer(data: bytes, signers: Sequence[Signer], trusted_root: str) -> Signer:
    """Which of `signers`, identities, signed the bundle in `data`.

    IntegrityError (20) when none did; ConfigurationError (10) for a `trusted_root` that is none.
    """
    try:
        verifier = Verifier(trusted_root=TrustedRoot(Content.from_json(trusted_root)))
    except Exception as error:  # the library raises what its parsers do
        raise ConfigurationError(f"the trusted root is none of Sigstore's: {_line(error)}") from error
    try:
        signed = Bundle.from_json(data)
    except Exception as error:
        raise IntegrityError(f"the signature is none by an identity: {_line(error)}; publish it again") from error
    problem = ""
    for candidate in signers:
        try:
            verifier.verify_dsse(signed, policy.Identity(identity=candidate.identity, issuer=candidate.issuer))
        except Exception as error:
            problem = _line(error)
        else:
            return candidate
    raise IntegrityError(
        f"the signature by {_names(signed)} does not count for {', '.join(each.name for each in signers)}: {problem}; "
        "publish the artifact by a trusted workflow, or trust that identity"
    )


def _names(signed: Bundle) -> str:
    try:
        names = signed.signing_certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except (ExtensionNotFound, ValueError):
        return "nobody"
    return ", ".join(str(name.value) for name in names)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
