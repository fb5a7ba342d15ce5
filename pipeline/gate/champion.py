"""The model that serves today, as stage `champion` fetched it: what Git pins for production, else for staging."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from artifact import load
from artifact.errors import ConfigurationError
from artifact.load import Verified
from pipeline.packaging import training_rows
from pipeline.packaging.training_rows import TrainingRows
from pipeline.shared import paths

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Champion:
    """What Git says of the champion of `model`. `release` is None where nothing was ever deployed.

    `quarantined`: what must not come back, each by model_digest, inputs_digest or both, with its reason.
    """

    model: str
    environment: str | None
    release: Mapping[str, Any] | None
    quarantined: tuple[Mapping[str, Any], ...]

    @classmethod
    def read(cls) -> Self:
        """From build/champion.json; ConfigurationError (10) where it is not there or not of this format."""
        remedy = "make it with `dvc repro champion`"
        try:
            value = json.loads(paths.CHAMPION_RECORD.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{paths.CHAMPION_RECORD} cannot be read ({error}); {remedy}") from error
        if not isinstance(value, dict) or value.get("schema_version") != _SCHEMA_VERSION:
            raise ConfigurationError(f"{paths.CHAMPION_RECORD} has not schema_version {_SCHEMA_VERSION}; {remedy}")
        try:
            return cls(value["model"], value["environment"], value["champion"], tuple(value["quarantined"]))
        except (KeyError, TypeError) as error:
            raise ConfigurationError(f"{paths.CHAMPION_RECORD} says no {error}; {remedy}") from error

    @property
    def digest(self) -> str | None:
        """The digest of the champion's artifact; None without a champion."""
        return None if self.release is None else str(self.release["digest"])

    def named(self) -> dict[str, Any] | None:
        """What a verdict says of it."""
        if self.release is None:
            return None
        return {"environment": self.environment, "uri": self.release["uri"], "digest": self.release["digest"]}

    def verify(self) -> Verified:
        """The artifact in build/champion, every byte verified against the digest in Git; IntegrityError (20)."""
        return load.verify(paths.CHAMPION, expected_digest=self.digest, name=self.model)


def training_rows_of(files: Mapping[str, bytes]) -> TrainingRows | None:
    """Which rows the model of the artifact with these verified files was trained on; None where it does not say."""
    return TrainingRows.from_bytes(files[training_rows.FILE]) if training_rows.FILE in files else None
