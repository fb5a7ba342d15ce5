"""One row against the signature, value by value: for a single row that is shorter than any operation on whole columns.

What is accepted here is exactly what `artifact.column` converts, to the bit; None for anything rare or wrong, which
`artifact.validation` reads, and says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from artifact.column import EXACT, LARGEST
from artifact.signature import Feature, Signature

Fits = Callable[[Any], bool]
_INT64 = (-(2**63), 2**63 - 1)


class Row:
    """The checks of one signature, a function a feature."""

    def __init__(self, signature: Signature) -> None:
        inputs = signature.inputs
        self._fits = [_fits(feature) for feature in inputs]
        self._numbers = _places(inputs, ("float64", "bool"))
        self._whole = _places(inputs, ("int64",))
        self._texts = _places(inputs, ("string",))
        self._names = signature.names
        self._alike = len(self._numbers) == len(inputs)

    def columns(self, values: Sequence[Any]) -> dict[str, np.ndarray] | None:
        """The columns of one row, each of shape [1], as `Validator.columns` makes them; None for a closer look.

        `values` are JSON values in the signature's order, one a feature.
        """
        for fits, value in zip(self._fits, values, strict=True):
            if not fits(value):
                return None
        if self._alike:
            return dict(zip(self._names, np.array(values, dtype=np.float64).reshape(-1, 1), strict=True))
        found: dict[str, np.ndarray] = dict.fromkeys(self._names, _NOTHING)
        for places, dtype in ((self._numbers, np.float64), (self._whole, np.int64)):
            if places:
                block = np.array([values[place] for place in places.values()], dtype=dtype).reshape(-1, 1)
                found.update(zip(places, block, strict=True))
        for name, place in self._texts.items():
            found[name] = text = np.empty(1, dtype=object)
            text[0] = values[place]
        return found


_NOTHING = np.empty(0)


def _places(inputs: Sequence[Feature], dtypes: tuple[str, ...]) -> dict[str, int]:
    return {feature.name: place for place, feature in enumerate(inputs) if feature.dtype in dtypes}


def _fits(feature: Feature) -> Fits:
    """Whether a value passes for `feature` without a closer look."""
    low, high = feature.range or (None, None)
    match feature.dtype:
        case "float64":
            if feature.categories is not None:
                return _never
            return _number(-LARGEST if low is None else low, LARGEST if high is None else high, feature.nullable)
        case "int64":
            if feature.categories is not None:
                return _never
            # numpy compares with a limit in float64, which holds whole numbers up to EXACT.
            least, most = _INT64 if feature.range is None else (-EXACT, EXACT)
            return _whole(max(least, least if low is None else low), min(most, most if high is None else high))
        case "bool":
            if feature.categories is not None or feature.range is not None:
                return _never
            return _boolean_or_missing if feature.nullable else _boolean
        case _:
            return _text if feature.categories is None else _one_of(frozenset(feature.categories))


def _never(value: Any) -> bool:
    return False


def _number(low: float, high: float, nullable: bool) -> Fits:
    def fits(value: Any) -> bool:
        if type(value) is float:
            return low <= value <= high
        if type(value) is int:
            return low <= value <= high and -EXACT <= value <= EXACT
        return nullable and value is None

    return fits


def _whole(low: float, high: float) -> Fits:
    return lambda value: type(value) is int and low <= value <= high


def _boolean(value: Any) -> bool:
    return type(value) is bool


def _boolean_or_missing(value: Any) -> bool:
    return type(value) is bool or value is None


def _text(value: Any) -> bool:
    return type(value) is str and value.isascii()


def _one_of(allowed: frozenset[Any]) -> Fits:
    return lambda value: type(value) is str and value in allowed
