"""What each model promises its callers, as gitops/monitoring/objectives.yaml says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from artifact import latency_edges
from artifact.errors import ConfigurationError

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Objective:
    """`availability` and `latency` are shares of requests, 0 to 1; `seconds` is what an answer may take, a bucket edge
    of modelpin_request_seconds; `start_seconds` what a start may take until the predictor is ready."""

    availability: float
    latency: float
    seconds: float
    start_seconds: float

    @property
    def edge(self) -> str:
        """`seconds` as the label `le` has it."""
        return f"{self.seconds:g}"


@dataclass(frozen=True)
class Objectives:
    """`requests` counts answered requests, its label `code` has their status; `namespaces` differ from `every`."""

    requests: str
    code: str
    every: Objective
    namespaces: Mapping[str, Objective]

    def by(self, field: str) -> dict[str, float]:
        """Namespace → its value of `field`, of those that differ from `every`."""
        values = {name: float(getattr(objective, field)) for name, objective in self.namespaces.items()}
        return {name: value for name, value in values.items() if value != getattr(self.every, field)}


def read(file: Path) -> Objectives:
    """ConfigurationError (10) for an unknown key, a share that is none, or seconds that are no bucket edge."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{file} cannot be read as YAML: {error}") from error
    if not isinstance(document, dict) or set(document) - {"namespaces"} != {"requests", "code", "every"}:
        raise ConfigurationError(f"{file} must have exactly the keys requests, code, every and namespaces")
    for key in ("requests", "code"):
        if not isinstance(document[key], str) or not _NAME.fullmatch(document[key]):
            raise ConfigurationError(
                f"{key} is {document[key]!r} in {file}; give the name of a metric and of its label"
            )
    names = {field.name for field in fields(Objective)}
    every = _values(file, "every", document["every"])
    if set(every) != names:
        raise ConfigurationError(f"every has no {', '.join(sorted(names - set(every)))} in {file}; give all of {names}")
    common = Objective(**every)
    own: Any = document.get("namespaces") or {}
    if not isinstance(own, dict):
        raise ConfigurationError(f"namespaces is {own!r} in {file}; give a namespace and its objectives a line")
    for name in own:
        if not isinstance(name, str) or not _NAMESPACE.fullmatch(name):
            raise ConfigurationError(f"{name!r} in {file} is not the name of a namespace, as iris-production is")
    return Objectives(
        document["requests"],
        document["code"],
        common,
        {name: replace(common, **_values(file, name, values)) for name, values in own.items()},
    )


def _values(file: Path, setting: str, values: Any) -> dict[str, float]:
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"{setting} is {values!r} in {file}; give availability, latency, seconds, start_seconds"
        )
    for name, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in ("availability", "latency") and number and 0 < value < 1:
            continue
        if name == "seconds" and number and f"{value:g}" in latency_edges.NAMES:
            continue
        if name == "start_seconds" and number and value > 0:
            continue
        allowed = {
            "availability": "a share between 0 and 1, as 0.995",
            "latency": "a share between 0 and 1, as 0.99",
            "seconds": f"one of the bucket edges {', '.join(latency_edges.NAMES)}",
            "start_seconds": "a number over 0",
        }
        expected = allowed.get(str(name), "availability, latency, seconds or start_seconds")
        raise ConfigurationError(f"{setting}.{name} is {value!r} in {file}; give {expected}")
    return values
