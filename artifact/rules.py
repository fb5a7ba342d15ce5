"""A signature compiled into whole-table checks: columns that fit are accepted in a few array operations.

What is accepted here is exactly what `artifact.column` converts, to the bit; where a table does not fit, or is of a
form that is rare, the answer is None, and `artifact.column` looks again value by value and says which row is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from artifact.column import EXACT, LARGEST
from artifact.signature import Feature, Signature

_NONE = type(None)
Given = Mapping[str, Sequence[Any] | np.ndarray]


class Rules:
    """The checks of one signature, one block of features a dtype."""

    def __init__(self, signature: Signature) -> None:
        blocks: dict[str, list[Feature]] = {}
        for feature in signature.inputs:
            blocks.setdefault(feature.dtype, []).append(feature)
        self._blocks: list[_Numbers | _Texts] = [
            _Numbers(blocks[dtype], dtype) for dtype in ("float64", "int64", "bool") if dtype in blocks
        ]
        self._blocks += [_Texts(feature) for feature in blocks.get("string", ())]
        self._order = signature.names

    def accept(self, given: Given) -> dict[str, np.ndarray] | None:
        """The converted columns, in the signature's order, or None for a closer look."""
        found: dict[str, np.ndarray] = {}
        for block in self._blocks:
            if not block.accept(given, found):
                return None
        return {name: found[name] for name in self._order}


class _Numbers:
    def __init__(self, features: list[Feature], dtype: str) -> None:
        self._names = [feature.name for feature in features]
        self._type = np.int64 if dtype == "int64" else np.float64
        types: dict[str, set[type]] = {"float64": {float, int}, "int64": {int}, "bool": {bool}}
        self._given = types[dtype]
        self._kinds = {"float64": "f", "int64": "i", "bool": "b"}[dtype]
        widest = (-(2**63), 2**63 - 1) if dtype == "int64" else (-LARGEST, LARGEST)
        ends = [feature.range or (None, None) for feature in features]
        self._low = np.array([[widest[0] if low is None else low] for low, _ in ends])
        self._high = np.array([[widest[1] if high is None else high] for _, high in ends])
        self._bounded = dtype == "float64" or any(feature.range for feature in features)
        self._nullable = np.array([[feature.nullable] for feature in features])
        if any(feature.nullable for feature in features):
            self._given = self._given | {_NONE}
        # Categories of numbers and booleans are rare: artifact.column checks those.
        self._closer = any(feature.categories is not None for feature in features)

    def accept(self, given: Given, found: dict[str, np.ndarray]) -> bool:
        columns = [given[name] for name in self._names]
        if self._closer or not self._has_types(columns):
            return False
        try:
            table = np.array(columns, dtype=self._type)
        except (OverflowError, ValueError):
            return False
        if table.ndim != 2:
            return False
        if self._type is np.float64:
            fits = (table >= self._low) & (table <= self._high) | np.isnan(table) & self._nullable
        else:
            fits = (table >= self._low) & (table <= self._high) if self._bounded else np.True_
        if not fits.all():
            return False
        found.update(zip(self._names, table, strict=True))
        return True

    def _has_types(self, columns: list[Sequence[Any] | np.ndarray]) -> bool:
        if isinstance(columns[0], np.ndarray):
            return all(isinstance(column, np.ndarray) and column.dtype.kind in self._kinds for column in columns)
        if any(isinstance(column, np.ndarray) for column in columns):
            return False
        types = set(map(type, chain.from_iterable(columns)))
        if not types <= self._given:
            return False
        # A whole number beyond 2^53 may not be exact as float64: artifact.column tells.
        return (
            self._type is np.int64
            or int not in types
            or all(-EXACT <= value <= EXACT for value in chain.from_iterable(columns) if type(value) is int)
        )


class _Texts:
    def __init__(self, feature: Feature) -> None:
        self._name = feature.name
        self._categories = None if feature.categories is None else frozenset(feature.categories)

    def accept(self, given: Given, found: dict[str, np.ndarray]) -> bool:
        values = given[self._name]
        if isinstance(values, np.ndarray) or set(map(type, values)) != {str}:
            return False
        if self._categories is not None and not self._categories.issuperset(values):
            return False
        try:
            "".join(values).encode()
        except UnicodeEncodeError:
            return False
        column = np.empty(len(values), dtype=object)
        column[:] = values
        found[self._name] = column
        return True
