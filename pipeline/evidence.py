"""Everything that the report is written from: the files that the stages before left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from artifact import load
from artifact.errors import ConfigurationError
from artifact.manifest import Manifest
from pipeline import paths
from pipeline.champion import Champion
from pipeline.params import Params
from pipeline.source import Source


@dataclass(frozen=True)
class Evidence:
    """`comparison` is None without a champion to compare with; `data` is what prepare found in the table."""

    name: str
    task: str
    verdict: Mapping[str, Any]
    comparison: Mapping[str, Any] | None
    metrics: Mapping[str, Any]
    slices: Mapping[str, Any]
    calibration: Mapping[str, Any]
    behaviour: Sequence[Mapping[str, Any]]
    latency: Mapping[str, Any]
    prepared: Mapping[str, Any]
    data: Mapping[str, Any]
    manifest: Manifest
    champion: Champion
    champion_manifest: Manifest | None
    source: Source

    @classmethod
    def read(cls, params: Params) -> Self:
        """From build/ and reports/; ConfigurationError (10) names a file that is missing."""
        champion = Champion.read()
        return cls(
            name=params.model.name,
            task=params.model.task,
            verdict=_read(paths.VERDICT),
            comparison=_read(paths.COMPARISON),
            metrics=_read(paths.METRICS),
            slices=_read(paths.SLICES),
            calibration=_read(paths.CALIBRATION),
            behaviour=_read(paths.BEHAVIOUR),
            latency=_read(paths.LATENCY),
            prepared=_read(paths.PREPARED),
            data=_read(paths.DATA),
            manifest=Manifest.from_bytes((paths.ARTIFACT / "manifest.json").read_bytes()),
            champion=champion,
            champion_manifest=None
            if champion.digest is None
            else load.verify(paths.CHAMPION, expected_digest=champion.digest).manifest,
            source=Source.here(),
        )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); make it with `dvc repro`") from error
