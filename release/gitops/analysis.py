"""The section `analysis` of environment.yaml: whether canaries are analysed, and by which thresholds."""

from __future__ import annotations

import dataclasses
from typing import Any

from artifact.errors import ConfigurationError
from monitoring.shadow_evidence import ShadowLimits
from monitoring.thresholds import ASK, ROLL_BACK, Source, Thresholds
from release.quoted_yaml import Section

# Least and greatest value of each number, the least excluded where it is 0.
_BOUNDS: dict[str, tuple[float, float]] = {
    "error_rate": (0, 0.5),
    "error_ratio": (1.1, 100),
    "latency_ratio": (1, 10),
    "least_minutes": (0, 1440),
    "slowest": (0, 1e6),
    "deadline_hours": (0, 168),
    "baking_minutes": (0, 10080),
    "interval": (0, 3600),
    "warm_up": (0, 3600),
}
_SHADOW_BOUNDS: dict[str, tuple[float, float]] = {
    "requests": (1, 1e6),
    "agreement": (0, 1),
    "difference": (0, 1e12),
    "latency_ratio": (1, 100),
}


def parse(value: Any, origin: str) -> Thresholds | None:
    """None where the section is absent, null or `off`.

    ConfigurationError for an unknown key or a value out of range.
    """
    if value is None or value is False:
        return None
    section = Section(value, f"analysis in {origin}")
    default = Thresholds()
    chosen: dict[str, Any] = {
        name: _number(section, name, getattr(default, name), f"{origin}: analysis.{name}") for name in _BOUNDS
    }
    predictions = section.value("predictions", default.predictions)
    if predictions not in (ASK, ROLL_BACK):
        raise ConfigurationError(f"{origin}: analysis.predictions must be {ASK} or {ROLL_BACK}, not {predictions!r}")
    steps = section.value("steps", list(default.steps))
    rising = isinstance(steps, list) and all(type(step) is int and 1 <= step <= 99 for step in steps)
    if not rising or sorted(set(steps)) != steps:
        raise ConfigurationError(f"{origin}: analysis.steps must be rising percentages, as [25, 50], not {steps!r}")
    chosen |= {
        "predictions": predictions,
        "steps": tuple(steps),
        "prometheus": section.text_or_none("prometheus") or "",
    }
    chosen["source"] = _source(section.value("source"), origin)
    chosen["shadow"] = _shadow(section.value("shadow"), origin)
    section.end()
    return Thresholds(**chosen)


def _number(
    section: Section,
    name: str,
    default: float | None,
    path: str,
    bounds: dict[str, tuple[float, float]] = _BOUNDS,
) -> float | None:
    value = section.value(name, default)
    if value is None:
        return None
    least, most = bounds[name]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not least <= value <= most
        or value == 0 == least
    ):
        above = "above 0" if least == 0 else f"from {least:g}"
        raise ConfigurationError(f"{path} must be a number {above} to {most:g}, not {value!r}")
    return float(value)


def _source(value: Any, origin: str) -> Source:
    if value is None:
        return Source()
    section = Section(value, f"analysis.source in {origin}")
    texts = {field.name: section.text(field.name) for field in dataclasses.fields(Source)}
    section.end()
    return Source(**texts)


def _shadow(value: Any, origin: str) -> ShadowLimits | None:
    """None where it is absent, null or `off`; what is left out of the mapping has its default."""
    if value is None or value is False:
        return None
    section, default = Section(value, f"analysis.shadow in {origin}"), ShadowLimits()
    chosen: dict[str, Any] = {
        name: _number(section, name, getattr(default, name), f"{origin}: analysis.shadow.{name}", _SHADOW_BOUNDS)
        for name in _SHADOW_BOUNDS
    }
    section.end()
    for name in ("requests", "latency_ratio"):  # the others may be null: no limit
        if chosen[name] is None:
            chosen[name] = getattr(default, name)
    return ShadowLimits(**chosen | {"requests": int(chosen["requests"])})
