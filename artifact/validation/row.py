"""One row against the signature: what most requests are, accepted without a single operation on whole tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from artifact.feature import TIMES, Feature
from artifact.signature import Signature
from artifact.validation.column import LARGEST
from artifact.validation.packing import EXACT

_INT64 = (-(2**63), 2**63 - 1)
Pick = Callable[[Sequence[Any]], tuple[Any, ...]]


class RowRules:
    """The checks of one signature, compiled into one pass over the values of a row."""

    def __init__(self, signature: Signature) -> None:
        self._names = signature.names
        groups: dict[str, list[int]] = {"float64": [], "int64": [], "bool": [], "string": []}
        for position, feature in enumerate(signature.inputs):
            groups.get(feature.dtype, []).append(position)
        by_dtype = {dtype: [signature.inputs[at] for at in positions] for dtype, positions in groups.items()}
        self._floats, self._wholes, self._flags, self._texts = (_pick(groups[dtype]) for dtype in groups)
        self._float_bounds = [_bounds(feature, (-LARGEST, LARGEST)) for feature in by_dtype["float64"]]
        self._whole_bounds = [_bounds(feature, _INT64) for feature in by_dtype["int64"]]
        self._nullable = {dtype: [feature.nullable for feature in features] for dtype, features in by_dtype.items()}
        self._categories = [
            (place, frozenset(feature.categories))
            for place, feature in enumerate(by_dtype["string"])
            if feature.categories is not None
        ]
        # Where the four groups, one behind the other, have each feature of the signature.
        order = [position for positions in groups.values() for position in positions]
        self._order = None if order == sorted(order) else itemgetter(*np.argsort(order).tolist())
        self._needs_column = any(map(needs_column, signature.inputs))

    def accept(self, row: Sequence[Any]) -> dict[str, np.ndarray] | None:
        """The columns, of shape [1] each, of one value a feature in the signature's order; None for a closer look."""
        if self._needs_column or len(row) != len(self._names):
            return None
        floats, wholes, flags, texts = self._floats(row), self._wholes(row), self._flags(row), self._texts(row)
        if floats and not self._fit_floats(floats):
            return None
        if wholes and not self._fit_wholes(wholes):
            return None
        if flags and set(map(type, flags)) != {bool} and not self._are(bool, flags, "bool"):
            return None
        if texts and not self._fit_texts(texts):
            return None
        columns: list[np.ndarray] = []
        if floats:
            columns.extend(np.array(floats, dtype=np.float64).reshape(-1, 1))
        if wholes:
            columns.extend(np.array(wholes, dtype=np.int64).reshape(-1, 1))
        if flags:
            columns.extend(np.array(flags, dtype=np.float64).reshape(-1, 1))
        if texts:
            gaps = None in texts
            cells = [np.nan if value is None else value for value in texts] if gaps else texts
            columns.extend(np.array(cells, dtype=object).reshape(-1, 1))
        return dict(zip(self._names, columns if self._order is None else self._order(columns), strict=True))

    def accept_any(self, row: Any) -> dict[str, np.ndarray] | None:
        """As `accept`, from a list in the signature's order, or an object by feature name."""
        if type(row) is list:
            return self.accept(row)
        # As many keys as there are features, and every feature among them: no other key, then.
        if type(row) is not dict or len(row) != len(self._names):
            return None
        try:
            return self.accept(tuple(map(row.__getitem__, self._names)))
        except KeyError:
            return None

    def _are(self, kind: type, values: tuple[Any, ...], dtype: str) -> bool:
        """Whether `values` are of `kind`, or null where that may be."""
        return all(
            nullable if value is None else type(value) is kind
            for value, nullable in zip(values, self._nullable[dtype], strict=True)
        )

    def _fit_floats(self, values: tuple[Any, ...]) -> bool:
        types = set(map(type, values))
        if not types <= {float, int}:
            return types <= {float, int, type(None)} and self._fit_gaps(values)
        for value, (low, high) in zip(values, self._float_bounds, strict=True):
            if not low <= value <= high:
                return False
        return int not in types or all(type(value) is float or -EXACT <= value <= EXACT for value in values)

    def _fit_gaps(self, values: tuple[Any, ...]) -> bool:
        for value, (low, high), nullable in zip(values, self._float_bounds, self._nullable["float64"], strict=True):
            if value is None:
                if not nullable:
                    return False
            elif not low <= value <= high or (type(value) is int and not -EXACT <= value <= EXACT):
                return False
        return True

    def _fit_wholes(self, values: tuple[Any, ...]) -> bool:
        if set(map(type, values)) != {int}:
            return False
        return all(low <= value <= high for value, (low, high) in zip(values, self._whole_bounds, strict=True))

    def _fit_texts(self, values: tuple[Any, ...]) -> bool:
        if set(map(type, values)) != {str} and not self._are(str, values, "string"):
            return False
        for place, categories in self._categories:
            if values[place] is not None and values[place] not in categories:
                return False
        try:
            "".join(value for value in values if value).encode()
        except UnicodeEncodeError:
            return False
        return True


def needs_column(feature: Feature) -> bool:
    """Whether `column` checks each value: times, whole numbers with gaps, categories of numbers are rare."""
    gaps = feature.dtype == "int64" and feature.nullable
    return gaps or feature.dtype in TIMES or (feature.categories is not None and feature.dtype != "string")


def _bounds(feature: Feature, widest: tuple[float, float]) -> tuple[float, float]:
    low, high = feature.range or (None, None)
    return (widest[0] if low is None else max(low, widest[0]), widest[1] if high is None else min(high, widest[1]))


def _pick(positions: list[int]) -> Pick:
    """The values at `positions`, as a tuple whatever their number."""
    match positions:
        case []:
            return lambda _: ()
        case [position]:
            return lambda row: (row[position],)
        case _ if positions == list(range(positions[0], positions[-1] + 1)):
            part = slice(positions[0], positions[-1] + 1)
            return lambda row: tuple(row[part])
        case _:
            return itemgetter(*positions)
