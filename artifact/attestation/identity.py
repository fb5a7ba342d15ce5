"""Signatures by an identity, as a workflow of GitHub has one: Sigstore's certificate, and its entry in Sigstore's log.

All that is checked against is in `trusted_root`, so that no network is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from cryptography.x509 import ExtensionNotFound, SubjectAlternativeName
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy
from sigstore_models.trustroot.v1 import TrustedRoot as Content

from artifact.attestation.signers import Signer
from artifact.errors import ConfigurationError, IntegrityError

# Who vouches for the jobs of GitHub's workflows.
GITHUB = "https://token.actions.githubusercontent.com"
_WORKFLOW = re.compile(r"(?P<repository>https://github\.com/[^/]+/[^/]+)/\.github/workflows/[^@]+@(?P<ref>.+)")


def verify(data: bytes, signers: Sequence[Signer], trusted_root: str) -> tuple[bytes, Signer, datetime]:
    """The statement in the bundle in `data`, which of `signers`, identities, signed it, and when.

    The time is that of the certificate, which its authority wrote: the signature was made within ten minutes after it.
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
            _, payload = verifier.verify_dsse(signed, _policy(candidate))
        except Exception as error:
            problem = _line(error)
        else:
            return payload, candidate, signed.signing_certificate.not_valid_before_utc
    raise IntegrityError(
        f"the signature by {_names(signed)} does not count for {', '.join(each.name for each in signers)}: {problem}; "
        "publish the artifact by a trusted workflow, or trust that identity"
    )


def _policy(signer: Signer) -> policy.VerificationPolicy:
    """The identity itself, and of a workflow of GitHub that its own repository ran it, on the ref that it is of.

    Another repository may call a workflow that is callable; the certificate then has the called workflow as its
    identity, and the caller in fields of its own.
    """
    identity = policy.Identity(identity=signer.identity, issuer=signer.issuer)
    workflow = _WORKFLOW.fullmatch(signer.identity)
    if signer.issuer != GITHUB or workflow is None:
        return identity
    own = policy.OIDCSourceRepositoryURI(workflow["repository"]), policy.OIDCSourceRepositoryRef(workflow["ref"])
    return policy.AllOf([identity, *own])


def _names(signed: Bundle) -> str:
    try:
        names = signed.signing_certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except (ExtensionNotFound, ValueError):
        return "nobody"
    return ", ".join(f"{name.value!s:.200}" for name in list(names)[:3])  # nobody has vouched for them yet


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
