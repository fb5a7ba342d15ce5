"""environment.yaml: what people decide about one environment of one model."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from artifact.errors import ConfigurationError
from monitoring.retraining import Policy
from monitoring.thresholds import Thresholds
from release import quoted_yaml
from release.gitops import analysis, retraining

FILE = "environment.yaml"
SHAPE = "Knative"
_KEEP = 10
_READY = 2
_CANARY = 10
_PROOFS = _SIGNATURES = ("required", "none")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Environment:
    """`shape`: KServe's deployment mode; `keep`: how many releases the record remembers, the serving one included.

    `ready`: how many of them keep an InferenceService, at no replica, when older ones are retired; `canary`: percentage
    that a canary begins with when the command gives none; `takes`: the environment that has to have proved what is
    deployed here, None for none; `proves`: whether a release has to answer at its own host before it gets traffic;
    `analysis`: by what `release step` decides a canary, None where it does not; `retrain`: how often
    the model may be trained again; `signed`: whether only what a trusted signer signed is deployed here.
    """

    shape: str = SHAPE
    keep: int = _KEEP
    ready: int = _READY
    canary: int = _CANARY
    takes: str | None = None
    proves: bool = True
    analysis: Thresholds | None = None
    retrain: Policy = field(default_factory=Policy)
    signed: bool = False


def parse(text: str, origin: str) -> Environment:
    """Environment from the text of environment.yaml; ConfigurationError for what is not built or out of range."""
    section = quoted_yaml.Section(quoted_yaml.load(text, origin), origin)
    shape = section.text("shape")
    keep = section.whole("keep", _KEEP)
    canary = section.whole("canary", _CANARY)
    ready = section.whole("ready", _READY)
    takes = section.value("takes")
    proof = section.value("proof", _PROOFS[0])
    signatures = section.value("signatures", _SIGNATURES[1])
    policy = retraining.policy(section.value("retrain"), origin)
    thresholds = analysis.parse(section.value("analysis"), origin)
    section.end()
    if shape != SHAPE:
        raise ConfigurationError(f"{origin}: shape {shape!r} is not built: set `shape: {SHAPE}`")
    if not 2 <= keep <= 100:
        raise ConfigurationError(
            f"{origin}: keep must be from 2 (a rollback needs the release before) to 100, not {keep}"
        )
    if not 1 <= ready <= keep:
        raise ConfigurationError(f"{origin}: ready must be from 1 to keep, which is {keep}, not {ready}")
    if proof not in _PROOFS:
        raise ConfigurationError(f"{origin}: proof must be one of {', '.join(_PROOFS)}, not {proof!r}")
    if signatures not in _SIGNATURES:
        raise ConfigurationError(f"{origin}: signatures must be one of {', '.join(_SIGNATURES)}, not {signatures!r}")
    if not 1 <= canary <= 99:
        raise ConfigurationError(f"{origin}: canary must be a percentage from 1 to 99, not {canary}")
    if takes is not None and not (isinstance(takes, str) and _NAME.fullmatch(takes)):
        raise ConfigurationError(f"{origin}: takes must name an environment, as `takes: staging`, not {takes!r}")
    signed = signatures == "required"
    return Environment(shape, keep, ready, canary, takes, proof == "required", thresholds, policy, signed)
