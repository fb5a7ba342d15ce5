"""YAML as this package writes and reads it: every text is quoted, nothing is guessed.

One writer instead of a YAML library's: the files are read by PyYAML here and by Go in kustomize, and the two disagree
on which plain words are numbers, dates or booleans. Quoted ASCII is the same text to both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from artifact.errors import ConfigurationError

_DEEPEST = 200
_UNSAFE = re.compile(r"[^ !#-\[\]-~]")  # all but printable ASCII without the quote and the backslash
type_names = {dict: "a mapping", list: "a list", str: "a text", int: "a whole number", bool: "true or false"}


def quote(text: str) -> str:
    """`text` as one double-quoted scalar of printable ASCII, valid in YAML 1.1 and 1.2.

    A lone surrogate (an argument that was not UTF-8) is a ConfigurationError: no YAML reader gives it back.
    """
    return f'"{_UNSAFE.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    if 0xD800 <= code <= 0xDFFF:
        raise ConfigurationError(f"the text holds U+{code:04X}, which is not a character: give it as UTF-8")
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def render(value: Mapping[str, Any], indent: int = 0) -> str:
    """`value` (mappings, lists of mappings, texts, whole numbers, booleans, None) in block style, newline last."""
    lines: list[str] = []
    for key, item in value.items():
        lines += _entry(f"{' ' * indent}{key}:", item, indent)
    return "\n".join(lines) + "\n"


def _entry(head: str, item: Any, indent: int) -> list[str]:
    if isinstance(item, Mapping) and item:
        return [head, render(item, indent + 2).rstrip("\n")]
    if isinstance(item, Sequence) and not isinstance(item, str) and item:
        lines = [head]
        for element in item:
            body = render(element, indent + 4).rstrip("\n")
            lines.append(f"{' ' * indent}  - {body.lstrip(' ')}")
        return lines
    return [f"{head} {_scalar(item)}"]


def _scalar(item: Any) -> str:
    if item is None:
        return "null"
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item)
    if isinstance(item, str):
        return quote(item)
    if isinstance(item, Mapping) or (isinstance(item, Sequence) and not item):
        return "{}" if isinstance(item, Mapping) else "[]"
    raise TypeError(f"{type(item).__name__} does not belong into a document of this package")


class _Strict:
    """Refuses a key written twice: the YAML libraries disagree on which one counts."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build one mapping; raises yaml.YAMLError for a repeated key."""
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)  # type: ignore[misc]
        return mapping


class _Fast(_Strict, yaml.CSafeLoader):
    """libyaml: a thousand records in seconds."""


class _Deep(_Strict, yaml.SafeLoader):
    """PyYAML's own, which ends in a RecursionError where libyaml's recursion would end the process."""


def _is_shallow(text: str) -> bool:
    """Whether `text` nests so little that libyaml may read it: each level takes a bracket or a column of blanks."""
    return text.count("[") + text.count("{") < _DEEPEST and not re.search(rf"^[-?: ]{{{_DEEPEST},}}", text, re.M)


def documents(text: str) -> list[Any]:
    """Every document in `text`; yaml.YAMLError, ValueError or RecursionError for what is none."""
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader if _is_shallow(text) else yaml.SafeLoader))


def load(text: str, origin: str) -> dict[str, Any]:
    """The one mapping that `text` holds; ConfigurationError names `origin` and the line otherwise."""
    try:
        value = yaml.load(text, Loader=_Fast if _is_shallow(text) else _Deep)  # noqa: S506  both safe, only stricter
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{origin} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ConfigurationError(f"{origin} does not hold a mapping of names to values: restore it from Git")
    return value


class Section:
    """Typed reading of one mapping: takes keys out; `end` refuses those that are left."""

    def __init__(self, value: Any, origin: str) -> None:
        if not isinstance(value, dict):
            raise ConfigurationError(f"{origin} must be a mapping, not {value!r}")
        self._left = dict(value)
        self._origin = origin

    def text(self, key: str) -> str:
        """The text under `key`."""
        return str(self._take(key, str))

    def whole(self, key: str, default: int) -> int:
        """The whole number under `key`, or `default` when the key is absent."""
        return int(self._take(key, int)) if key in self._left else default

    def text_or_none(self, key: str) -> str | None:
        """The text under `key`, None when it is null or absent."""
        return None if self._left.get(key) is None and self.value(key) is None else self.text(key)

    def whole_or_none(self, key: str) -> int | None:
        """The whole number under `key`, None when it is null or absent."""
        return None if self._left.get(key) is None and self.value(key) is None else self.whole(key, 0)

    def flag(self, key: str) -> bool:
        """The truth value under `key`."""
        return bool(self._take(key, bool))

    def value(self, key: str, default: Any = None) -> Any:
        """Whatever stands under `key`."""
        return self._left.pop(key, default)

    def entries(self, key: str) -> list[Any]:
        """The list under `key`."""
        return list(self._take(key, list))

    def _take(self, key: str, expected: type) -> Any:
        if key not in self._left:
            raise ConfigurationError(f"{self._origin} lacks {key!r}: {type_names[expected]}")
        value = self._left.pop(key)
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise ConfigurationError(f"{self._origin}: {key} must be {type_names[expected]}, not {value!r}")
        return value

    def end(self) -> None:
        """Refuse the keys that were not read."""
        if self._left:
            raise ConfigurationError(f"{self._origin} has unknown keys {sorted(map(str, self._left))}: remove them")
