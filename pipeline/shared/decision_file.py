"""build/model/decision.json: how labels follow from probabilities, as stage train left it for the stages behind it."""

from __future__ import annotations

from artifact import decision
from artifact.decision import Decision
from artifact.errors import ConfigurationError
from artifact.signature import Signature
from pipeline.shared import json_file, paths


def write(decided: Decision | None) -> None:
    """Write `decided`; null where the estimator's own labels are answered."""
    json_file.write(paths.DECISION, decision.to_manifest(decided))


def read(signature: Signature) -> Decision | None:
    """The decision for a model of this signature; ConfigurationError (10) where it does not fit."""
    try:
        return decision.of_manifest(json_file.read(paths.DECISION), signature)
    except ValueError as error:
        raise ConfigurationError(f"{paths.DECISION}: {error}; train again with `dvc repro`") from error
