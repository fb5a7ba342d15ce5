"""How this process signs, by its environment: SIGNING_KEY holds a private key, SIGNING=keyless asks Sigstore."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from artifact.attestation.signers import Signers
from artifact.errors import ConfigurationError
from release.signing.variables import KEY, KEYLESS, NONE, TRUST_CONFIG, WAY, Sign


def sign(trusted: Signers, environment: Mapping[str, str] = os.environ) -> Sign | None:
    """None where nothing is to be signed. Libraries are loaded only where something is.

    ConfigurationError (10) for a key that cannot sign, and for one that is not among `trusted` or has expired.
    """
    key, way = environment.get(KEY), environment.get(WAY) or NONE
    if way not in (NONE, KEYLESS) or (way == KEYLESS and key):
        raise ConfigurationError(
            f"{WAY} is {way!r}" + (f" and {KEY} is set" if key else "") + f": set {WAY}={KEYLESS}, or {KEY} alone"
        )
    if key:
        from release.signing import private_key

        return private_key.signer(key, trusted)
    if way == KEYLESS:
        from release.signing import keyless

        config = environment.get(TRUST_CONFIG)
        return keyless.signer(None if not config else Path(config))
    return None
