"""Everything that the report is written from: the files that the stages before left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from artifact.engines.table import MODEL
from artifact.manifest import Manifest
from pipeline.engine.choice import Choice
from pipeline.gate.champion import Champion
from pipeline.params.metrics import Catalogue
from pipeline.params.params import Params
from pipeline.report.git_source import Source
from pipeline.shared import json_file, paths


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
    choice: Choice
    prepared: Mapping[str, Any]
    data: Mapping[str, Any]
    manifest: Manifest
    champion: Champion
    champion_manifest: Manifest | None
    source: Source
    catalogue: Catalogue

    @classmethod
    def read(cls, params: Params) -> Self:
        """From build/ and reports/; ConfigurationError (10) names a file that is missing."""
        champion = Champion.read()
        return cls(
            name=params.model.name,
            task=params.model.task,
            verdict=json_file.read(paths.VERDICT),
            comparison=json_file.read(paths.COMPARISON),
            metrics=json_file.read(paths.METRICS),
            slices=json_file.read(paths.SLICES),
            calibration=json_file.read(paths.CALIBRATION),
            behaviour=json_file.read(paths.BEHAVIOUR),
            latency=json_file.read(paths.LATENCY),
            choice=Choice.read((paths.ARTIFACT / MODEL).read_bytes()),
            prepared=json_file.read(paths.PREPARED),
            data=json_file.read(paths.DATA),
            manifest=Manifest.from_bytes((paths.ARTIFACT / "manifest.json").read_bytes()),
            champion=champion,
            champion_manifest=None if champion.digest is None else champion.verify().manifest,
            source=Source.current(),
            catalogue=params.catalogue,
        )
