"""What both documents are made from: the manifest, the profile, the gate's verdict, and the lock that serves it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artifact import profile
from artifact.load import Verified
from artifact.manifest import Manifest
from artifact.signature import Signature

LOCK = Path("requirements/serving.txt")
_MEASURED = "latency"


@dataclass(frozen=True)
class Subject:
    """`digest`: the artifact's; `profile`: as `artifact.profile.reference` has it; `verdict`: as the gate wrote it.

    `hashes`: of each locked file of a distribution, name → SHA-256 in hexadecimal digits.
    """

    manifest: Manifest
    digest: str
    profile: Mapping[str, Any]
    verdict: Mapping[str, Any]
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, verified: Verified, verdict: Mapping[str, Any], root: Path) -> Subject:
        """Describe an artifact; `root`: the repository, whose lock counts if it has the artifact's versions."""
        described = verified.manifest
        reference = profile.read(described.signature, verified.files[profile.FILE])
        return cls(described, verified.digest, reference, verdict, _locked(root / LOCK, described.libraries))

    @property
    def signature(self) -> Signature:
        """What the model takes and answers."""
        return self.manifest.signature

    @property
    def estimator(self) -> str:
        """Its dotted name, where the parameters say it."""
        train = self.manifest.parameters.get("train")
        return str(train.get("estimator", "")) if isinstance(train, dict) else ""

    @property
    def rules(self) -> list[Mapping[str, Any]]:
        """Each rule of the gate, with what it found; but for the one that is another each time it is measured."""
        rules = self.verdict.get("rules")
        listed = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
        return [rule for rule in listed if rule.get("rule") != _MEASURED]


def _locked(lock: Path, libraries: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    if not lock.is_file():
        return {}
    text = lock.read_text(encoding="utf-8")
    blocks = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\\n]+)[^\n]*((?:\n    --hash=\S+[^\n]*)*)", text, re.M)
    return {
        name: tuple(sorted(re.findall(r"sha256:([0-9a-f]{64})", hashes)))
        for name, version, hashes in blocks
        if libraries.get(name) == version and hashes
    }
