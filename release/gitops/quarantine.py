"""quarantine.yaml: the models that must not come back, by digest of the artifact or of the inputs that made it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from artifact import digest
from artifact.errors import ConfigurationError, GateRefused
from release import quoted_yaml

FILE = "quarantine.yaml"
# As in release.gitops.record: raise it when a field changes meaning or goes, and read every older number in `parse`.
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


def match(entries: Sequence[Quarantined], model_digest: str, inputs_digest: str) -> Quarantined | None:
    """The entry that bars this model, by its own digest or by that of its inputs; None when none does."""
    barred = (entry for entry in entries if entry.model_digest == model_digest or entry.inputs_digest == inputs_digest)
    return next(barred, None)


def refuse(entries: Sequence[Quarantined], model_digest: str, inputs_digest: str) -> None:
    """GateRefused with reason and remedy when the model is in quarantine."""
    if (entry := match(entries, model_digest, inputs_digest)) is not None:
        how = "the same model" if entry.model_digest == model_digest else f"made of the inputs of {entry.model_digest}"
        raise GateRefused(
            f"{model_digest} is in quarantine since {entry.since} ({how}): {entry.reason!r}; change data or params, "
            f"or lift it with `python -m release unquarantine {entry.model_digest}`"
        )


def render(entries: Sequence[Quarantined]) -> str:
    """The whole text of quarantine.yaml; every text of `entries` comes back from `parse` as it is."""
    values = [dataclasses.asdict(entry) for entry in entries]
    return _HEAD + quoted_yaml.render({"schema_version": SCHEMA_VERSION, "quarantined": values})


def parse(text: str, origin: str) -> tuple[Quarantined, ...]:
    """The entries in the text of quarantine.yaml; ConfigurationError names what does not fit."""
    section = quoted_yaml.Section(quoted_yaml.load(text, origin), origin)
    version = section.whole("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{origin} has schema_version {version}, this modelpin reads {SCHEMA_VERSION}: update the checkout"
        )
    entries = tuple(
        _entry(value, f"quarantined[{number}] in {origin}")
        for number, value in enumerate(section.entries("quarantined"))
    )
    section.end()
    return entries


def _entry(value: object, origin: str) -> Quarantined:
    section = quoted_yaml.Section(value, origin)
    texts = {item.name: section.text(item.name) for item in dataclasses.fields(Quarantined)}
    section.end()
    try:
        return Quarantined(**texts)
    except ConfigurationError as error:
        raise ConfigurationError(f"{origin}: {error}") from error
