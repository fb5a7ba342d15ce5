"""Reads what `monitoring shadow` printed as evidence: whether it is of these two releases, and enough."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact.errors import UsageError


@dataclass(frozen=True)
class ShadowLimits:
    """What a candidate has to show before it gets traffic: so many `requests`, of whose rows that share agrees, no
    error of its own, and at most `latency_ratio` times the stable release's milliseconds, at 50 and 90 %. `difference`
    is the most that numbers or probabilities may differ by at 90 % of the rows. None is no limit: numbers hardly agree.
    """

    requests: int = 500
    agreement: float | None = 0.9
    difference: float | None = None
    latency_ratio: float = 2.0


@dataclass(frozen=True)
class ShadowEvidence:
    """The JSON that `python -m monitoring shadow` prints."""

    requests: int
    rows: int
    agreement: float | None
    flips: Mapping[str, int]
    difference: Sequence[float]  # 50, 90, 100 %
    stable_ms: Sequence[float]  # 50, 90 %
    candidate_ms: Sequence[float]
    errors: Mapping[str, int]

    @classmethod
    def read(cls, path: Path, stable: str, candidate: str) -> ShadowEvidence:
        """UsageError (2) unless `path` holds what was printed of these two digests and of no others."""
        try:
            content = json.loads(path.read_bytes())
            kind = content["kind"]
            # A gateway that answers 503 names no digest: such requests are counted among the errors.
            digests = [sorted({pair[place] for pair in content["digests"]} - {""}) for place in (0, 1)]
            evidence = cls.of(content)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise UsageError(f"--shadow {path} is not what `monitoring shadow` prints: {error!r:.200}") from error
        if kind != "shadow" or digests != [[stable], [candidate]]:
            raise UsageError(f"--shadow {path} compares {digests}, not {stable} with {candidate}: ask these again")
        return evidence

    @classmethod
    def of(cls, printed: Mapping[str, Any]) -> ShadowEvidence:
        """Of the JSON; KeyError where something lacks."""
        return cls(**{name: printed[name] for name in cls.__dataclass_fields__})

    def refusals(self, limits: ShadowLimits) -> list[str]:
        """What keeps the candidate from traffic; empty when nothing does."""
        reasons = []
        if self.requests < limits.requests:
            reasons.append(f"{self.requests} requests of {limits.requests}")
        least, most = limits.agreement, limits.difference
        if least is not None and (self.agreement is None or self.agreement < least):
            reasons.append(f"agreement {self.agreement}, at least {least:g}")
        if most is not None and (not self.difference or self.difference[1] > most):
            reasons.append(f"difference {self.difference[1] if self.difference else None} at 90 %, at most {most:g}")
        failed = {name: count for name, count in self.errors.items() if name.startswith("candidate ")}
        reasons += [f"{count} times {name}" for name, count in failed.items()]
        for quantile, mine, theirs in zip((50, 90), self.stable_ms, self.candidate_ms, strict=True):
            if theirs > mine * limits.latency_ratio:
                reasons.append(
                    f"{theirs:g} ms at {quantile} %, stable {mine:g} ms, at most {limits.latency_ratio:g} times"
                )
        return reasons

    def __str__(self) -> str:
        """One line, as a commit has it."""
        parts = [f"{self.requests} requests, {self.rows} rows"]
        if self.agreement is not None:
            parts.append(f"{self.agreement:.2%} agree")
        if self.flips:
            parts.append("flips " + ", ".join(f"{name} {count}" for name, count in [*self.flips.items()][:5]))
        if self.difference:
            parts.append(f"difference 50/90/100 % {'/'.join(f'{value:g}' for value in self.difference)}")
        if self.stable_ms:
            stable, candidate = (
                "/".join(f"{value:g}" for value in each) for each in (self.stable_ms, self.candidate_ms)
            )
            parts.append(f"ms 50/90 % {stable} stable, {candidate} candidate")
        parts += [f"{count} times {name}" for name, count in self.errors.items()]
        return ", ".join(parts)
