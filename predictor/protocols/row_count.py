"""How many rows a decoded request says it has, looked up before anything is done for each of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from predictor.errors import TooManyRows


def of_v1(payload: Any) -> int:
    """Rows of a decoded v1 body; 0 where it is not one, which parsing says better."""
    if not isinstance(payload, dict):
        return 0
    return max((len(rows) for key in ("instances", "inputs") if isinstance(rows := payload.get(key), list)), default=0)


def of_v2(payload: Any) -> int:
    """Rows of a decoded v2 body: the greatest first size of a shape; 0 where it is not one."""
    inputs = payload.get("inputs") if isinstance(payload, dict) else None
    if not isinstance(inputs, list):
        return 0
    return of_shapes(one.get("shape") for one in inputs if isinstance(one, dict))


def of_shapes(shapes: Iterable[Any]) -> int:
    """The greatest first size of `shapes`."""
    return max((shape[0] for shape in shapes if isinstance(shape, list) and shape and type(shape[0]) is int), default=0)


def check(rows: int, limit: int, size: int) -> None:
    """TooManyRows over the limit. A row takes a byte: more rows than `size` bytes are a mistake, not too many."""
    if limit < rows <= size:
        raise TooManyRows(f"the request has {rows} rows, the limit is {limit}; send them in several requests")
