"""The variables of the environment that say how publish signs, and what each way of it makes."""

from __future__ import annotations

from collections.abc import Callable

from artifact.attestation.statement import Statement

KEY = "SIGNING_KEY"
WAY = "SIGNING"
TRUST_CONFIG = "SIGNING_TRUST_CONFIG"
KEYLESS = "keyless"
NONE = "none"  # a key signs, if there is one

# Makes the bytes of the bundle from a statement.
Sign = Callable[[Statement], bytes]
