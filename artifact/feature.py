"""One column of a table: its dtype, whether values may be missing, and which values there may be."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artifact.errors import ConfigurationError
from artifact.moment import is_zone

DTYPES = ("float64", "int64", "bool", "string", "datetime", "date")
NUMERIC = ("float64", "int64", "datetime", "date")  # what a model gets as a number
TIMES = ("datetime", "date")

Value = str | int | float | bool
Range = tuple[float | None, float | None]

_FEATURE_KEYS = ("dtype", "nullable", "range", "categories", "zone")


@dataclass(frozen=True)
class Feature:
    """One input column.

    `range` (inclusive, either end may be None) and `categories` are declared constraints: values outside are refused,
    at training and at serving alike. What training merely happened to see is in the reference profile instead.
    `zone` is that of a datetime written without an offset; None refuses such.
    """

    name: str
    dtype: str
    nullable: bool = False
    range: Range | None = None
    categories: tuple[Value, ...] | None = None
    zone: str | None = None

    @property
    def numeric(self) -> bool:
        """Whether a model gets numbers: those of datetime and date are seconds since 1970 UTC."""
        return self.dtype in NUMERIC

    @property
    def whole(self) -> bool:
        """Whether a model gets int64: whole numbers that may be missing are float64."""
        return self.dtype == "int64" and not self.nullable

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; constraints that are not declared are left out."""
        value: dict[str, Any] = {"name": self.name, "dtype": self.dtype, "nullable": self.nullable}
        if self.range is not None:
            value["range"] = list(self.range)
        if self.categories is not None:
            value["categories"] = list(self.categories)
        if self.zone is not None:
            value["zone"] = self.zone
        return value

    @classmethod
    def from_dict(cls, name: str, declared: Mapping[str, Any]) -> Feature:
        """Read one entry of the schema; ConfigurationError names the column, the key and the remedy."""
        title = f"schema of column {name!r}"
        if not isinstance(name, str) or not name or not name.isprintable():
            raise ConfigurationError(f"{title}: a column name is printable text; quote it if YAML reads it as a number")
        if not isinstance(declared, Mapping):
            raise ConfigurationError(f"{title}: {declared!r} is not a mapping such as {{dtype: float64}}")
        for key in declared:
            if key not in _FEATURE_KEYS:
                near = difflib.get_close_matches(str(key), _FEATURE_KEYS, 1)
                raise ConfigurationError(
                    f"{title}: unknown key {key!r}; "
                    + (f"did you mean {near[0]!r}?" if near else f"use {_FEATURE_KEYS}")
                )
        dtype = declared.get("dtype")
        if dtype not in DTYPES:
            raise ConfigurationError(f"{title}: dtype {dtype!r} is not one of {', '.join(DTYPES)}")
        nullable = declared.get("nullable", False)
        if not isinstance(nullable, bool):
            raise ConfigurationError(f"{title}: nullable {nullable!r} is neither true nor false")
        return cls(
            name,
            dtype,
            nullable,
            _range(title, dtype, declared.get("range")),
            categories_of(title, dtype, declared.get("categories")),
            _zone(title, dtype, declared.get("zone")),
        )


def as_json(value: Any) -> Value:
    """A numpy scalar as the JSON value it stands for."""
    item = value.item() if hasattr(value, "item") else value
    if not isinstance(item, str | int | float | bool):
        raise ConfigurationError(f"{value!r} cannot stand in a signature: use text, numbers or booleans")
    return item


def label_text(value: Value) -> str:
    """A class as a column name: JSON's spelling, so that True is `true` and 1 is `1`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_unicode(text: str) -> bool:
    """Whether `text` can be written as UTF-8: JSON can hold half of a surrogate pair, which no encoding has."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _range(title: str, dtype: str, declared: Any) -> Range | None:
    if declared is None:
        return None
    if dtype not in ("float64", "int64"):
        raise ConfigurationError(f"{title}: a range does not fit dtype {dtype}; declare categories instead")
    if not isinstance(declared, list | tuple) or len(declared) != 2:
        raise ConfigurationError(f"{title}: range {declared!r} is not [lowest, highest], where either may be null")
    largest = 2**63 - 1 if dtype == "int64" else sys.float_info.max
    for end in declared:
        number = isinstance(end, int | float) and not isinstance(end, bool)
        if end is not None and not (number and -largest <= end <= largest):
            raise ConfigurationError(
                f"{title}: range {declared!r:.200} has the end {end!r:.80}, which is not a finite number or null"
            )
    low, high = declared
    if low is not None and high is not None and low > high:
        raise ConfigurationError(f"{title}: range {declared!r} is empty: the lowest comes first")
    return (low, high)


def categories_of(title: str, dtype: str, declared: Any) -> tuple[Value, ...] | None:
    if declared is None:
        return None
    kind = {"string": str, "int64": int, "bool": bool}.get(dtype)
    if kind is None:
        raise ConfigurationError(f"{title}: categories do not fit dtype {dtype}; declare a range instead")
    if not isinstance(declared, list | tuple) or not declared:
        raise ConfigurationError(f"{title}: categories {declared!r:.200} is not a list of at least one value")
    for value in declared:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigurationError(
                f"{title}: category {value!r:.80} is not of dtype {dtype}; quote it if YAML reads it as something else"
            )
        if not (is_unicode(value) if isinstance(value, str) else -(2**63) <= int(value) < 2**63):  # type: ignore[call-overload]
            raise ConfigurationError(f"{title}: category {value!r:.80} is no value that {dtype} can hold")
    if len(set(declared)) != len(declared):
        raise ConfigurationError(f"{title}: categories {declared!r:.200} holds a value twice")
    return tuple(declared)


def _zone(title: str, dtype: str, declared: Any) -> str | None:
    if declared is None:
        return None
    if dtype != "datetime":
        raise ConfigurationError(f"{title}: a zone does not fit dtype {dtype}; it says where times without offset are")
    if not isinstance(declared, str) or not is_zone(declared):
        raise ConfigurationError(f"{title}: zone {declared!r:.80} is no zone such as Europe/Berlin or UTC")
    return declared
