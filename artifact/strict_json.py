"""JSON as an artifact's files have it: read strictly, and within limits that are checked before anything is built."""

from __future__ import annotations

import json
import math
from typing import Any

from artifact.errors import IntegrityError

# Beyond 1,000 golden rows of 5,000 features. The worst shape seen, an object of 8 million keys, took 0.6 GiB and 9 s.
LARGEST = 128 << 20
_VALUES = 8_000_000
_CONTAINERS = 1_000_000


def read(data: bytes, name: str) -> Any:
    """The value in `data`, the bytes of the file `name`.

    Raises IntegrityError (20) for what is no JSON, for a key that an object has twice, for NaN, infinities and numbers
    that overflow, for nesting beyond Python's recursion, and for more than the limits above.
    """
    containers, values = data.count(b"[") + data.count(b"{"), data.count(b",")
    if len(data) > LARGEST or containers > _CONTAINERS or values > _VALUES:
        raise IntegrityError(
            f"{name} has {len(data)} bytes, {containers} lists and objects, {values} commas; an artifact's has at most "
            f"{LARGEST}, {_CONTAINERS} and {_VALUES}"
        )
    try:
        return json.loads(data, object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{name} is not JSON of an artifact: {str(error)[:200]}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys: set[str] = set()
        twice = next(key for key, _ in pairs if key in keys or keys.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return value


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is more than float64 holds")
    return value
