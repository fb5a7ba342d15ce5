"""Attestations of an image: image.yml, on the branch of this repository, says that it built this digest and of what."""

from __future__ import annotations

from dataclasses import dataclass

from artifact.errors import IntegrityError
from image import program

WORKFLOW = ".github/workflows/image.yml"
KINDS = {"provenance": "https://slsa.dev/provenance/v1", "SBOM": "https://cyclonedx.org/bom"}


@dataclass(frozen=True)
class Identity:
    """Who may say so: the workflow, on this branch of this repository, on a runner of GitHub."""

    repository: str
    branch: str


def verify(image: str, identity: Identity) -> None:
    """IntegrityError (20) unless the registry has each kind of attestation, by `identity`, of `image` (by digest)."""
    for kind, predicate in KINDS.items():
        command = (
            *("gh", "attestation", "verify", f"oci://{image}", "--bundle-from-oci", "--predicate-type", predicate),
            *("--repo", identity.repository, "--signer-workflow", f"{identity.repository}/{WORKFLOW}"),
            *("--source-ref", f"refs/heads/{identity.branch}", "--deny-self-hosted-runners"),
        )
        try:
            program.run(*command)
        except program.Failed as error:
            raise IntegrityError(
                f"no {kind} of {image} by {WORKFLOW} on {identity.branch} of {identity.repository} holds: {error}"
            ) from error
    program.say(f"{image}: {' and '.join(KINDS)} by {WORKFLOW} on {identity.branch} of {identity.repository}")
