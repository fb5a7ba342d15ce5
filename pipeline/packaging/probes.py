"""Rows that make two engines differ where they can: the holdout, and edge rows made of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact import validation
from artifact.column import LARGEST
from artifact.golden import UNSEEN
from artifact.prediction import Columns
from artifact.signature import Feature, Signature

_VARIED = 64  # rows of the holdout that are varied
_NUMBERS = (0.0, -0.0, 5e-324, 1e-40, 1.0, -1.0, 1e5, -1e5, 16777217.0, 1e10, -1e10, 1e20, -1e20, LARGEST, -LARGEST)


def table(signature: Signature, holdout: Columns) -> Columns:
    """The holdout, then its first rows with every number moved to the next ones float32 does and does not have, then
    one row a feature and extreme: each number at ends, denormals and beyond 2^24, each value missing or never seen.
    """
    first = {name: values[:_VARIED] for name, values in holdout.items()}
    parts: list[dict[str, Any]] = [dict(holdout), *(_moved(signature, first, way) for way in (_up, _rounded, _between))]
    base = {name: values[:1] for name, values in holdout.items()}
    for feature in signature.inputs:
        extremes = _extremes(feature)
        if extremes:
            row = {name: np.repeat(values, len(extremes)) for name, values in base.items()}
            parts.append(row | {feature.name: np.array(extremes, dtype=base[feature.name].dtype)})
    return {name: np.concatenate([part[name] for part in parts]) for name in signature.names}


def shown(columns: Columns, row: int) -> str:
    """One row in words, for a reason."""
    text = ", ".join(f"{name} = {values[row]}" for name, values in list(columns.items())[:6])
    return text if len(columns) <= 6 else f"{text}, …"


def _moved(signature: Signature, first: Columns, way: Any) -> dict[str, np.ndarray]:
    moved = dict(first)
    for feature in signature.inputs:
        if feature.dtype == "float64":
            low, high = validation.ends(feature)
            moved[feature.name] = np.clip(way(first[feature.name]), low, high)
    return moved


def _up(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.nextafter(values, np.inf))


def _rounded(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).astype(np.float64)


def _between(values: np.ndarray) -> np.ndarray:
    near = values.astype(np.float32)
    return (near.astype(np.float64) + np.nextafter(near, np.float32(np.inf)).astype(np.float64)) / 2


def _extremes(feature: Feature) -> list[Any]:
    missing = [np.nan] if feature.nullable else []
    if feature.dtype == "string":
        return missing + ([UNSEEN, ""] if feature.categories is None else list(feature.categories))
    if feature.dtype == "bool":
        return [*missing, 0.0, 1.0]
    low, high = validation.ends(feature)
    if feature.dtype == "int64":
        ends = (*_NUMBERS, low, high)
        return [int(value) for value in ends if value == int(value) and low <= value <= high and abs(value) < 2**62]
    return missing + [value for value in (*_NUMBERS, low, high) if low <= value <= high]
