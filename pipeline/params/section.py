"""One mapping of params.yaml, read key by key: what is unknown, missing or of another type is refused by its path."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from artifact.errors import ConfigurationError


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest of `known`, or `; use one of …`."""
    choices = [str(choice) for choice in known]
    close = difflib.get_close_matches(word, choices, 1, 0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; use one of {', '.join(choices[:12])}" if choices else ""


class Section:
    """The mapping at `path` (dotted) of params.yaml, of which only `keys` may be set."""

    def __init__(self, path: str, value: Any, keys: Iterable[str]) -> None:
        known = tuple(keys)
        if not isinstance(value, Mapping):
            raise ConfigurationError(
                f"params.yaml: {path or 'the file'} is {value!r}, expected a mapping of {', '.join(known)}"
            )
        for key in value:
            if key not in known:
                raise ConfigurationError(f"params.yaml: unknown key {self._join(path, key)}{near(str(key), known)}")
        self.path = path
        self._value = value

    @staticmethod
    def _join(path: str, key: Any) -> str:
        return f"{path}.{key}" if path else str(key)

    def where(self, key: str) -> str:
        """The path of `key`, for messages."""
        return self._join(self.path, key)

    def has(self, key: str) -> bool:
        """Whether `key` is set, and not to null."""
        return self._value.get(key) is not None

    def section(self, key: str, keys: Iterable[str]) -> Section:
        """The mapping under `key`."""
        return Section(self.where(key), self.required(key), keys)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """The mapping under `key`, whatever its keys; empty when it is not set."""
        value = self._value.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise self.wrong(key, value, "a mapping by name")
        return value

    def optional(self, key: str) -> Any:
        """The value of `key`, or None where it is null or not set."""
        return self._value.get(key)

    def flag(self, key: str, default: bool) -> bool:
        """true or false; `default` where it is not set."""
        value = self._value.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def required(self, key: str) -> Any:
        """The value of `key`, which has no default."""
        if self._value.get(key) is None:
            raise ConfigurationError(f"params.yaml: {self.where(key)} is missing; it has no default, set it")
        return self._value[key]

    def text(self, key: str) -> str:
        """Text that is not empty."""
        value = self.required(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, value, "text; quote it if YAML reads it as something else")
        return value

    def optional_text(self, key: str) -> str | None:
        """As `text`, or None where it is null or not set."""
        return None if self._value.get(key) is None else self.text(key)

    def choice(self, key: str, choices: Iterable[str]) -> str:
        """One of `choices`."""
        value = self.text(key)
        known = tuple(choices)
        if value not in known:
            raise ConfigurationError(f"params.yaml: {self.where(key)} is {value!r}{near(value, known)}")
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self.required(key)
        if type(value) is not int or not low <= value <= high:
            raise self.wrong(key, value, f"a whole number from {low} to {high}")
        return value

    def fraction(self, key: str) -> float:
        """A number between 0 and 1, neither of them."""
        value = self.required(key)
        if type(value) not in (int, float) or not 0 < value < 1:
            raise self.wrong(key, value, "a number between 0 and 1")
        return float(value)

    def number(self, key: str) -> float | None:
        """A finite number, or None where it is not set."""
        value = self._value.get(key)
        if value is None:
            return None
        if type(value) not in (int, float) or not math.isfinite(value):
            raise self.wrong(key, value, "a finite number")
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of text; empty when it is not set."""
        value = self._value.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, value, "a list of text; quote what YAML reads as something else")
        return tuple(value)

    def wrong(self, key: str, value: Any, expected: str) -> ConfigurationError:
        """The error for a value that is not what `key` takes."""
        return ConfigurationError(f"params.yaml: {self.where(key)} is {value!r}, expected {expected}")
