"""quarantine.yaml: the models that must not come back, by digest of the artifact or of the inputs that made it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from artifact import digest
from artifact.errors import ConfigurationError
from release import document

FILE = "quarantine.yaml"
# As in release.record: raise it when a field changes meaning or goes, and read every older number in `parse`.
SCHEMA_VERSION = 1
_HEAD = """\
# Models that must not come back, by digest of the artifact or of its inputs. Written whole by
# `python -m release`. Do not edit: `python -m release quarantine --help`.
"""


@dataclass(frozen=True)
class Quarantined:
    """One model that was taken back: what it was, why, on what evidence, since when (UTC) and by whom."""

    model_digest: str
    inputs_digest: str
    reason: str
    evidence: str
    since: str
    by: str

    def __post_init__(self) -> None:
        for text in (self.model_digest, self.inputs_digest):
            digest.parse(text)


def render(entries: Sequence[Quarantined]) -> str:
    """The whole text of quarantine.yaml; every text of `entries` comes back from `parse` as it is."""
    listed = [dataclasses.asdict(entry) for entry in entries]
    return _HEAD + document.render({"schema_version": SCHEMA_VERSION, "quarantined": listed})


def parse(text: str, where: str) -> tuple[Quarantined, ...]:
    """The entries in the text of quarantine.yaml; ConfigurationError names what does not fit."""
    section = document.Section(document.load(text, where), where)
    version = section.whole("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{where} has schema_version {version}, this modelpin reads {SCHEMA_VERSION}: update the checkout"
        )
    found = tuple(
        _entry(value, f"quarantined[{place}] in {where}") for place, value in enumerate(section.entries("quarantined"))
    )
    section.end()
    return found


def _entry(value: object, where: str) -> Quarantined:
    section = document.Section(value, where)
    texts = {item.name: section.text(item.name) for item in dataclasses.fields(Quarantined)}
    section.end()
    try:
        return Quarantined(**texts)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from error
