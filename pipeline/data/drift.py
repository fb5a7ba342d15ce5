"""The training part against the reference profile of the champion: what changed in the data since it was trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artifact import digest, manifest, profile
from artifact.errors import DataContractError, IntegrityError
from artifact.live_counts import Distribution
from artifact.validation.column import convert
from pipeline.params.params import Params
from pipeline.params.prepare import DriftLimits
from pipeline.shared import paths

_FLOOR = 1e-4  # of a bin's share, so that an empty one does not make the index infinite


@dataclass(frozen=True)
class Change:
    """One feature: its population stability index, what chance alone would give (the 99.9th percentile), how much the
    share of missing values grew, and the share of rows with a category that the champion never saw.

    `state` is ok, warn or refuse. A feature that one of the two does not have, or has in another form, has no numbers.
    """

    column: str
    state: str
    psi: float | None = None
    chance: float | None = None
    missing: float | None = None
    unseen: float | None = None
    note: str | None = None


def champion() -> str | None:
    """The digest of the artifact in build/champion, by build/champion.json; None where there is no champion."""
    if not paths.CHAMPION_RECORD.is_file():
        return None
    try:
        release = json.loads(paths.CHAMPION_RECORD.read_bytes())["champion"]
        return None if release is None else digest.parse(release["digest"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"{paths.CHAMPION_RECORD} cannot be read: {error!r}; make it again with `dvc repro champion`"
        ) from error


class Drift:
    """Counts the rows given to `add` in the bins of the champion's reference profile. `named`: the champion's digest.

    IntegrityError (20) where the manifest or the profile in build/champion is not that of the champion.
    """

    def __init__(self, params: Params, named: str) -> None:
        try:
            _check(paths.CHAMPION / manifest.FILE, named)
            files = json.loads((paths.CHAMPION / manifest.FILE).read_bytes())["files"]
            (expected,) = (file["sha256"] for file in files if file["path"] == profile.FILE)
            _check(paths.CHAMPION / profile.FILE, expected)
            reference = json.loads((paths.CHAMPION / profile.FILE).read_bytes())
            self.rows = int(reference["rows"])
            features: Mapping[str, Any] = reference["features"]
            boolean = {feature.name for feature in params.features if feature.dtype == "bool"}
            self._distributions = {name: Distribution(features[name], name in boolean) for name in features}
            self._missing = {name: int(features[name]["missing"]) for name in features}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"{paths.CHAMPION} holds no reference profile: {error!r}; fetch it again with `dvc repro champion`"
            ) from error
        self._limits = params.prepare.drift
        self._features = {
            feature.name: feature
            for feature in params.features
            if feature.name in self._distributions and self._distributions[feature.name].numeric == feature.numeric
        }
        self._params = params
        self._rows = 0

    def add(self, columns: Mapping[str, np.ndarray], rows: np.ndarray) -> None:
        """Count `rows` (numbers from 0) of the converted `columns`."""
        self._rows += len(rows)
        if len(rows):
            for name, feature in self._features.items():
                self._distributions[name].add(convert(feature, columns[name][rows]))

    def changes(self) -> list[Change]:
        """What changed in each feature of params.yaml, then in those that only the champion has."""
        changes = [self._change(feature.name) for feature in self._params.features]
        gone = [name for name in self._distributions if self._params.column(name) is None]
        return changes + [Change(name, "warn", note="only the champion has it") for name in gone]

    def _change(self, name: str) -> Change:
        if name not in self._features:
            note = (
                "the champion has it in another form"
                if name in self._distributions
                else "the champion does not have it"
            )
            return Change(name, "warn", note=note)
        distribution = self._distributions[name]
        value, chance = psi(np.asarray(distribution.expected, dtype=np.float64), distribution.counts.astype(np.float64))
        missing = distribution.missing / self._rows - self._missing[name] / max(self.rows, 1)
        unseen = None if distribution.numeric else distribution.unseen / self._rows
        measured = {"psi": value if value > chance else 0.0, "missing": missing, "unseen": unseen or 0.0}
        state = "ok"
        for level, limits in (("warn", self._limits.warn), ("refuse", self._limits.refuse)):
            if any(measured[kind] > limit for kind, limit in limits.to_dict().items()):
                state = level
        return Change(name, state, value, chance, missing, unseen)


def _check(path: Path, expected: str) -> None:
    actual = digest.of_file(path)
    if actual != digest.parse(expected):
        raise IntegrityError(f"{path} is {actual}, not {expected}; fetch it again with `dvc repro champion`")


def psi(expected: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """The population stability index of `counts` against `expected` ([bins] each), and its 99.9th percentile by chance.

    Sum over the bins of (p − q) ln(p / q): Siddiqi, Credit Risk Scorecards, 2006, chapter 6. Between samples of one
    distribution it is (1/n + 1/m) times a chi-square of bins − 1 degrees of freedom: Yurdakul, Statistical Properties
    of Population Stability Index, 2018.
    """
    from scipy import special  # here: most of stage prepare's imports, and a first training has no champion

    if not expected.sum() or not counts.sum():
        return 0.0, 0.0
    p, q = (np.maximum(part / part.sum(), _FLOOR) for part in (counts, expected))
    value = float(np.sum((p - q) * np.log(p / q)))
    freedom = max(int(np.count_nonzero(expected + counts)) - 1, 1)
    return value, float((1 / counts.sum() + 1 / expected.sum()) * special.chdtri(freedom, 0.001))


def refuse(changes: list[Change], limits: DriftLimits) -> None:
    """DataContractError (40) for the changes that prepare.drift.refuse does not let pass."""
    refused = [change for change in changes if change.state == "refuse"]
    if refused:
        listed = "; ".join(f"{change.column!r}: {in_words(change)}" for change in refused)
        raise DataContractError(
            f"the data is not that of the champion any more: {listed}; look at it, then mend it, "
            f"or raise prepare.drift.refuse {limits.refuse.to_dict()} in params.yaml"
        )


def in_words(change: Change) -> str:
    """The numbers of one feature."""
    if change.note is not None:
        return change.note
    parts = [f"PSI {change.psi:.3f} ({change.chance:.3f} by chance)", f"missing {change.missing:+.1%}"]
    return ", ".join(parts + ([] if change.unseen is None else [f"unseen {change.unseen:.1%}"]))
