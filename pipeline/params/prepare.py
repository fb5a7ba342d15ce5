"""What is asked of the data beyond its schema: the contract of the whole table, no leakage, no drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from artifact.errors import ConfigurationError
from artifact.signature import Feature
from pipeline.params.section import Section, near

LEAKS = ("id", "determines", "ahead")
SHIFTS = ("psi", "missing", "unseen")
_ROWS = 2**40
_DAYS = 100_000


@dataclass(frozen=True)
class Contract:
    """Of the whole table: `unique` columns, the columns that together are a `key`, how many rows, and how many days
    the newest value of data.time may be old when the training runs; None and empty where nothing is asked."""

    unique: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    min_rows: int | None = None
    max_rows: int | None = None
    max_age_days: int | None = None


@dataclass(frozen=True)
class Leakage:
    """`threshold`: the score from which one feature alone is said to determine the target; `allow`: the columns for
    which each of LEAKS is let through."""

    threshold: float = 0.99
    allow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def allows(self, check: str, column: str) -> bool:
        """Whether params.yaml lets `column` through this check."""
        return column in self.allow.get(check, ())


@dataclass(frozen=True)
class Shift:
    """From where a difference from the champion's training data counts, each of SHIFTS; what is not set never does."""

    warn: Mapping[str, float] = field(default_factory=lambda: {"psi": 0.2, "missing": 0.05, "unseen": 0.01})
    refuse: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Expectations:
    """The three of them, from the section prepare of params.yaml."""

    contract: Contract = field(default_factory=Contract)
    leakage: Leakage = field(default_factory=Leakage)
    drift: Shift = field(default_factory=Shift)


def read_unique(schema: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The schema without its keys `unique`, which are no part of a model's signature, and the columns that set it."""
    rest, unique = {}, []
    for name, declared in schema.items():
        if isinstance(declared, Mapping) and "unique" in declared:
            if not isinstance(declared["unique"], bool):
                raise ConfigurationError(
                    f"params.yaml: schema of column {name!r}: unique {declared['unique']!r} is neither true nor false"
                )
            if declared["unique"]:
                unique.append(name)
            declared = {key: value for key, value in declared.items() if key != "unique"}
        rest[name] = declared
    return rest, tuple(unique)


def read_expectations(
    section: Section, unique: tuple[str, ...], features: Sequence[Feature], time: str | None
) -> Expectations:
    """What the section prepare asks; ConfigurationError (10) for what no data could meet or no column is."""
    leakage = _leakage(_inner(section, "leakage", ("threshold", "allow")), features, time)
    drift = _inner(section, "drift", ("warn", "refuse"))
    default = Shift()
    return Expectations(
        _contract(_inner(section, "contract", ("key", "rows", "max_age_days")), unique, features, time),
        leakage,
        Shift(
            _shifts(drift, "warn") if drift.has("warn") else default.warn,
            _shifts(drift, "refuse") if drift.has("refuse") else default.refuse,
        ),
    )


def _inner(section: Section, key: str, keys: tuple[str, ...]) -> Section:
    return Section(section.where(key), section.mapping(key), keys)


def _contract(section: Section, unique: tuple[str, ...], features: Sequence[Feature], time: str | None) -> Contract:
    rows = _inner(section, "rows", ("min", "max"))
    low, high = (rows.integer(key, 1, _ROWS) if rows.has(key) else None for key in ("min", "max"))
    if low is not None and high is not None and low > high:
        raise rows.wrong("min", low, f"at most max, which is {high}")
    days = section.integer("max_age_days", 1, _DAYS) if section.has("max_age_days") else None
    if days is not None and time is None:
        raise ConfigurationError(
            f"params.yaml: {section.where('max_age_days')} is {days}, but data.time names no column that dates the rows"
        )
    dated = next((feature for feature in features if feature.name == time), None)
    if days is not None and dated is not None and dated.dtype != "string":
        raise ConfigurationError(
            f"params.yaml: {section.where('max_age_days')} needs dates, and data.time {time!r} is {dated.dtype}; "
            "declare it as a string of ISO 8601, or do without"
        )
    return Contract(unique, section.texts("key"), low, high, days)


def _leakage(section: Section, features: Sequence[Feature], time: str | None) -> Leakage:
    known = [feature.name for feature in features] + ([time] if time else [])
    listed = _inner(section, "allow", LEAKS)
    allow = {check: listed.texts(check) for check in LEAKS if listed.has(check)}
    for check, columns in allow.items():
        for column in columns:
            if column not in known:
                raise ConfigurationError(
                    f"params.yaml: {listed.where(check)} names {column!r}, which is no feature{near(column, known)}"
                )
    return Leakage(section.fraction("threshold") if section.has("threshold") else Leakage().threshold, allow)


def _shifts(section: Section, key: str) -> dict[str, float]:
    inner = _inner(section, key, SHIFTS)
    found = {}
    for name in SHIFTS:
        value = inner.number(name)
        if value is not None:
            if value <= 0:
                raise inner.wrong(name, value, "a number above 0")
            found[name] = value
    return found
