"""record.yaml of schema 1 and 2, from before each release had an InferenceService of its own: read for ever.

One InferenceService was named after the model and KServe split its traffic by `canaryTrafficPercent`. `percent` 0 was
the first of the two commits of a rollback. Schema 1 knew neither canaries nor `left`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from artifact import digest
from artifact.errors import ConfigurationError
from release.gitops.release import Release
from release.quoted_yaml import Section

READ = (1, 2)
# Of a release, in every schema: what it is.
TEXTS = (
    "digest",
    "uri",
    "image",
    "since",
    "inputs_digest",
    "data_digest",
    "source_commit",
    "run_commit",
    "gate",
)


@dataclass(frozen=True)
class OldRecord:
    """A record of schema 1 or 2: `releases` began with `stable`; `candidate` had `percent` of the traffic."""

    model: str
    environment: str
    stable: Release | None
    candidate: Release | None
    percent: int | None
    releases: tuple[Release, ...]


def parse(section: Section, version: int, origin: str) -> OldRecord:
    """The record in `section`, whose `schema_version` was read; ConfigurationError names what does not fit."""
    old = OldRecord(
        model=section.text("model"),
        environment=section.text("environment"),
        stable=_release(section.value("stable"), f"stable in {origin}"),
        candidate=_release(section.value("candidate"), f"candidate in {origin}"),
        percent=section.whole_or_none("percent"),
        releases=tuple(
            release
            for number, entry in enumerate(section.entries("releases"))
            if (release := _release(entry, f"releases[{number}] in {origin}")) is not None
        ),
    )
    step, left = section.value("step"), section.text_or_none("left") if version > 1 else None
    section.end()
    if left is not None:
        digest.parse(left)
    first = () if old.stable is None else (old.stable,)
    percent_of_nothing = old.candidate is None and old.percent not in (None, 0)
    if step is not None or old.releases[:1] != first or percent_of_nothing:
        raise ConfigurationError(f"{origin} contradicts itself: restore it from Git")
    return old


def _release(value: Any, origin: str) -> Release | None:
    if value is None:
        return None
    section = Section(value, origin)
    texts: dict[str, Any] = {name: section.text(name) for name in TEXTS}
    section.end()
    try:
        return Release(**texts, served=True)
    except ConfigurationError as error:
        raise ConfigurationError(f"{origin}: {error}") from error
