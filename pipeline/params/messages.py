"""The one form of a message about params.yaml: the place, the value, and what is expected there.

What is expected is read from the JSON schema, so that an editor and a stage say the same of a value.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from artifact.errors import ConfigurationError

_BOUNDS = {
    "minimum": "{} or more",
    "exclusiveMinimum": "above {}",
    "maximum": "{} at most",
    "exclusiveMaximum": "below {}",
}


def near(word: str, words: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest of `words`, or `; use one of …`."""
    choices = [str(choice) for choice in words]
    close = difflib.get_close_matches(word, choices, 1, 0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; use one of {', '.join(choices[:12])}" if choices else ""


def wrong(path: str, value: Any, expected: str) -> ConfigurationError:
    """The error for a `value` at `path` (dotted) that is not what it takes."""
    return ConfigurationError(f"params.yaml: {path or 'the file'} is {value!r}, expected {expected}")


def explain(error: ValidationError, schema: Mapping[str, Any], path: str = "") -> ConfigurationError:
    """The first fault that pydantic found in the value at `path`, whose JSON schema is `schema`."""
    # A misspelled key is the reason why the right one is missing.
    first, *others = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
    keys = [key for key in first["loc"] if key != "[key]"]
    location = join(path, keys)
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "missing":
        return ConfigurationError(f"params.yaml: {location} is missing; it has no default, set it{more}")
    if first["type"] == "extra_forbidden":
        properties = _node(schema, keys[:-1]).get("properties", {})
        return ConfigurationError(f"params.yaml: unknown key {location}{near(str(keys[-1]), properties)}{more}")
    value = first["input"]
    if "[key]" in first["loc"]:
        return wrong(location, value, f"text as a key; quote it{more}")
    node = _node(schema, keys)
    if "enum" in node and isinstance(value, str):
        return ConfigurationError(f"params.yaml: {location} is {value!r}{near(value, node['enum'])}{more}")
    return wrong(location, value, _expected(node) + more)


def join(path: str, keys: Sequence[str | int]) -> str:
    """The place `keys` under `path`: `train.preprocessing.numeric.steps[0]`."""
    for key in keys:
        path += f"[{key}]" if isinstance(key, int) else f".{key}" if path else str(key)
    return path


def _node(schema: Mapping[str, Any], keys: Sequence[str | int]) -> Mapping[str, Any]:
    """The part of `schema` that describes the value under `keys`; empty where it describes none."""
    node = _resolved(schema, schema)
    for key in keys:
        rest = node.get("items" if isinstance(key, int) else "additionalProperties")
        inner = node.get("properties", {}).get(key, rest)
        if not isinstance(inner, Mapping):
            return {}
        node = _resolved(inner, schema)
    return node


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    for inner in node.get("anyOf", []):
        if inner.get("type") != "null":
            return _resolved({**inner, **{key: value for key, value in node.items() if key != "anyOf"}}, schema)
    if "$ref" in node:
        return {**schema["$defs"][node["$ref"].rpartition("/")[2]], **node}
    return node


def _expected(node: Mapping[str, Any]) -> str:
    kind = node.get("type")
    if "examples" in node:
        return f"{node['description']}, such as {node['examples'][0]}"
    if "enum" in node:
        return f"one of {', '.join(map(str, node['enum']))}"
    if kind == "object":
        return f"a mapping of {', '.join(node['properties'])}" if node.get("properties") else "a mapping by name"
    if kind == "array":
        return (
            "a list"
            + (" of text" if node.get("items") == {"type": "string"} else "")
            + (", at least one" if node.get("minItems") else "")
        )
    if kind == "boolean":
        return "true or false"
    if kind in ("integer", "number"):
        return _number(node)
    return "text; quote it if YAML reads it as something else"


def _number(node: Mapping[str, Any]) -> str:
    noun = "a whole number" if node["type"] == "integer" else "a number"
    if "minimum" in node and "maximum" in node:
        return f"{noun} from {node['minimum']} to {node['maximum']}"
    if "exclusiveMinimum" in node and "exclusiveMaximum" in node:
        return f"{noun} between {node['exclusiveMinimum']} and {node['exclusiveMaximum']}"
    bounds = [text.format(node[key]) for key, text in _BOUNDS.items() if key in node]
    return f"{noun} {' and '.join(bounds)}" if bounds else "a finite number"
