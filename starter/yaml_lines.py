"""Values as lines of YAML, texts quoted where a reader could take them for something else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# What YAML 1.1 and 1.2 both read as this very text; everything else is quoted, as JSON quotes.
_PLAIN = re.compile(r"[^\W\d_][\w./-]*( \(?[^\W\d_][\w./-]*\)?)*")
WIDTH = 120
_RESERVED = frozenset("true false null yes no on off y n nan inf".split())


def entry_of(indent: int, key: str, value: Any) -> list[str]:
    """The lines of one entry: on one line where it fits, else one line an item."""
    margin = " " * indent
    line = f"{margin}{scalar(key)}: {flow(value)}"
    if len(line) <= WIDTH or not isinstance(value, Mapping | list | tuple):
        return [line]
    head = f"{margin}{scalar(key)}:"
    if isinstance(value, Mapping):
        return [head, *[inner for name, item in value.items() for inner in entry_of(indent + 2, name, item)]]
    return [head, *[f"{margin}  - {flow(item)}" for item in value]]


def flow(value: Any) -> str:
    """`value` on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """One value; text is quoted where a reader could take it for something else."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False)
