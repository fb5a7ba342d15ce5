"""The gate's verdict: release obeys it and knows nothing of how it was reached."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact import digest
from artifact.errors import ConfigurationError, GateRefused

_SCHEMA_VERSION = 2
# What a verdict that passes may be called; `passed` is what the gate of schema_version 1 wrote beside an artifact.
PASSES = frozenset({"better", "equivalent", "first-deployment", "incomparable", "no-change", "passed"})


@dataclass(frozen=True)
class Verdict:
    """What the gate said, and of which artifact, inputs and data."""

    outcome: str
    reason: str
    model_digest: str
    inputs_digest: str
    data_digest: str
    content: Mapping[str, Any]  # all that the file says


def read(path: Path, model_digest: str) -> Verdict:
    """The verdict at `path` when it passed and speaks of the artifact `model_digest`; GateRefused otherwise."""
    remedy = "run `dvc repro`, whose gate stage writes it"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GateRefused(f"there is no verdict at {path}: {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise GateRefused(f"{path} is not a verdict ({error}): {remedy}") from error
    if not isinstance(value, dict) or value.get("schema_version") != _SCHEMA_VERSION:
        raise GateRefused(f"{path} is not a verdict of schema_version {_SCHEMA_VERSION}: {remedy}")
    texts = {name: value.get(name) for name in ("outcome", "reason", "model_digest", "inputs_digest", "data_digest")}
    missing = [name for name, text in texts.items() if not isinstance(text, str)]
    if missing:
        raise GateRefused(f"{path} does not say {', '.join(missing)}: {remedy}")
    try:
        verdict = Verdict(
            outcome=str(texts["outcome"]),
            reason=str(texts["reason"]),
            model_digest=digest.parse(str(texts["model_digest"])),
            inputs_digest=digest.parse(str(texts["inputs_digest"])),
            data_digest=digest.parse(str(texts["data_digest"])),
            content=value,
        )
    except ConfigurationError as error:
        raise GateRefused(f"{path}: {error}") from error
    if value.get("passed") is not True or verdict.outcome not in PASSES:
        raise GateRefused(
            f"the gate did not pass {verdict.model_digest}, {verdict.outcome}: {verdict.reason}; "
            "change data or params, not this"
        )
    if verdict.model_digest != model_digest:
        raise GateRefused(f"{path} speaks of {verdict.model_digest}, the artifact is {model_digest}: {remedy}")
    return verdict
