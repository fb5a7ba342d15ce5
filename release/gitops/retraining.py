"""retraining.yaml: what asked for a training of one model and was followed; and `retrain` of environment.yaml."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from artifact.errors import ConfigurationError
from monitoring.retraining import KINDS, Policy, Trigger
from release import quoted_yaml
from release.quoted_yaml import Section

FILE = "retraining.yaml"
SCHEMA_VERSION = 1
_MOST_TRIGGERS = 100
_HEAD = """\
# What asked for a training of this model and was followed. Written whole by `python -m release retrain`. Do not edit.
"""


def render(triggers: Sequence[Trigger]) -> str:
    """The whole text of retraining.yaml: the newest hundred."""
    listed = [dataclasses.asdict(trigger) for trigger in triggers[-_MOST_TRIGGERS:]]
    return _HEAD + quoted_yaml.render({"schema_version": SCHEMA_VERSION, "triggers": listed})


def parse(text: str, origin: str) -> tuple[Trigger, ...]:
    """The triggers in the text of retraining.yaml, the oldest first; ConfigurationError names what does not fit."""
    section = Section(quoted_yaml.load(text, origin), origin)
    version = section.whole("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{origin} has schema_version {version}, this modelpin reads {SCHEMA_VERSION}: update the checkout"
        )
    triggers = tuple(
        _trigger(entry, f"triggers[{place}] in {origin}") for place, entry in enumerate(section.entries("triggers"))
    )
    section.end()
    return triggers


def _trigger(value: Any, origin: str) -> Trigger:
    section = Section(value, origin)
    trigger = Trigger(**{field.name: section.text(field.name) for field in dataclasses.fields(Trigger)})
    section.end()
    try:
        if trigger.kind not in KINDS or trigger.time.tzinfo is None:
            raise ValueError(f"{trigger.kind!r} at {trigger.since!r}")
    except ValueError as error:
        raise ConfigurationError(f"{origin} is no trigger: {error}; restore it from Git") from error
    return trigger


def policy(value: Any, origin: str) -> Policy:
    """The section `retrain` of environment.yaml, all of it optional; ConfigurationError for what is out of range."""
    section, default = Section({} if value is None else value, f"retrain in {origin}"), Policy()
    cooldown = section.value("cooldown_days", default.cooldown_days)
    every = section.value("every_days", default.every_days)
    for name, number in (("cooldown_days", cooldown), ("every_days", every)):
        if number is not None and (
            isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= 365
        ):
            raise ConfigurationError(
                f"{origin}: retrain.{name} must be a number of days above 0 to 365, not {number!r}"
            )
    most = section.whole("per_month", default.per_month)
    section.end()
    if cooldown is None or not 0 <= most <= 1000:
        raise ConfigurationError(
            f"{origin}: retrain.per_month must be from 0 to 1000, not {most}, and cooldown_days set"
        )
    return Policy(float(cooldown), most, None if every is None else float(every))
