"""environment.yaml: what people decide about one environment of one model."""

from __future__ import annotations

from dataclasses import dataclass

from artifact.errors import ConfigurationError
from release import document

FILE = "environment.yaml"
SHAPE = "Knative"
_KEEP = 10


@dataclass(frozen=True)
class Environment:
    """`shape`: KServe's deployment mode; `keep`: how many releases the record remembers, the serving one included."""

    shape: str = SHAPE
    keep: int = _KEEP


def parse(text: str, where: str) -> Environment:
    """Environment from the text of environment.yaml; ConfigurationError for what is not built or out of range."""
    section = document.Section(document.load(text, where), where)
    shape = section.text("shape")
    keep = section.whole("keep", _KEEP)
    section.end()
    if shape != SHAPE:
        raise ConfigurationError(f"{where}: shape {shape!r} is not built: set `shape: {SHAPE}`")
    if not 2 <= keep <= 100:
        raise ConfigurationError(
            f"{where}: keep must be from 2 (a rollback needs the release before) to 100, not {keep}"
        )
    return Environment(shape, keep)
