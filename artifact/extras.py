"""Extras: libraries that some models or settings need and the default image does not hold, each with its own lock.

`make extras EXTRAS="lightgbm"` writes requirements/extras/chosen.txt, which training installs beside its own lock, and
the image beside the serving lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from artifact.errors import IncompatibleError


@dataclass(frozen=True)
class Extra:
    """`distribution`: what is installed. `estimators`: the module's classes that params.yaml may name."""

    name: str
    distribution: str
    estimators: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The import names of its estimators."""
        return tuple(f"{self.name}.{estimator}" for estimator in self.estimators)


EXTRAS = {
    extra.name: extra
    for extra in (
        Extra("lightgbm", "lightgbm", ("LGBMClassifier", "LGBMRegressor")),
        Extra("xgboost", "xgboost-cpu", ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor")),
        Extra("shap", "shap"),
        Extra("sigstore", "sigstore"),
    )
}
CHOSEN = "requirements/extras/chosen.txt"


def needed_by(model: bytes) -> tuple[str, ...]:
    """The distributions of the extras that the bytes of model.joblib name: a pickle holds such a name as it is."""
    return tuple(extra.distribution for extra in EXTRAS.values() if any(kind.encode() in model for kind in extra.kinds))


def of_distribution(distribution: str) -> Extra | None:
    """The extra that brings `distribution`; None for a library of the serving lock."""
    return next((extra for extra in EXTRAS.values() if extra.distribution == distribution), None)


def chosen(root: Path = Path()) -> list[str]:
    """The names of the extras that the repository at `root` has chosen; none where it has no such lock."""
    path = root / CHOSEN
    pinned = (
        set(re.findall(r"^([A-Za-z0-9._-]+)==", path.read_text(encoding="utf-8"), re.M)) if path.exists() else set()
    )
    return sorted(extra.name for extra in EXTRAS.values() if extra.distribution in pinned)


def refuse_unchosen(libraries: Mapping[str, str], root: Path) -> None:
    """IncompatibleError (22) where a manifest with these `libraries` needs an extra that `root` has not chosen."""
    needed = {extra.name for name in libraries if (extra := of_distribution(name)) is not None}
    missing = needed - set(chosen(root))
    if missing:
        raise IncompatibleError(
            f"the model needs the extra {', '.join(sorted(missing))}, which {CHOSEN} does not name, so that no image "
            f"of this commit could serve it: {remedy([*chosen(root), *missing])}"
        )


def remedy(names: Iterable[str]) -> str:
    """What to do where the extras `names` are not there."""
    return f"run `make extras EXTRAS='{' '.join(sorted(names))}'` and commit {CHOSEN}"
