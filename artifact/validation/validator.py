"""Rows and columns against the signature: one set of rules for training, batch and every protocol of serving."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from artifact import moment
from artifact.errors import InvalidRequest
from artifact.signature import TIMES, Feature, Signature
from artifact.validation.column import EXACT, LARGEST, convert
from artifact.validation.row import RowRules
from artifact.validation.spelling import Spelling
from artifact.validation.table import Accepted, RawColumns, TableRules, columns_of


class Validator:
    """The checks of one signature, compiled once."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.dtypes = {feature.name: feature.dtype for feature in signature.inputs}
        self._expected = frozenset(signature.names)
        self._row, self._table = RowRules(signature), TableRules(signature)
        self._spelling = Spelling(signature.names)

    def columns(self, raw: RawColumns) -> dict[str, np.ndarray]:
        """The columns a model predicts on, in the signature's order whatever the order given.

        `raw` maps each feature to its values, all of one length; the result holds float64 for float64, int64 for
        int64, float64 0/1 for bool and object for string, each of shape [rows], with NaN for what is missing. Raises
        InvalidRequest naming the feature and the row (counted from 0) of the first value that does not fit.
        """
        if raw.keys() != self._expected:
            self.check_names(raw.keys())
        lengths = set(map(len, raw.values()))
        if len(lengths) > 1:
            sizes = ", ".join(f"{name!r} {len(values)}" for name, values in list(raw.items())[:5])
            raise InvalidRequest(f"the features have different numbers of rows: {sizes}")
        if lengths == {0}:
            raise InvalidRequest("no rows; at least one is needed")
        accepted = self._accept(raw, lengths == {1})
        if accepted is not None:
            return accepted
        return {feature.name: convert(feature, raw[feature.name]) for feature in self.signature.inputs}

    def accept(self, raw: RawColumns) -> dict[str, np.ndarray] | None:
        """As `columns`, where all is plain; None where it is not, or where `columns` would say what is wrong."""
        if raw.keys() != self._expected:
            return None
        lengths = set(map(len, raw.values()))
        return self._accept(raw, lengths == {1}) if len(lengths) == 1 and 0 not in lengths else None

    def _accept(self, raw: RawColumns, one_row: bool) -> Accepted:
        if not one_row:
            return self._table.accept(raw)
        columns = [raw[name] for name in self.signature.names]
        return self._row.accept(
            [(column.tolist() if isinstance(column, np.ndarray) else column)[0] for column in columns]
        )

    def accept_rows(self, rows: Sequence[Any]) -> dict[str, np.ndarray] | None:
        """As `accept`, from rows as `columns_of_rows` takes them."""
        if len(rows) == 1:
            return self._row.accept_any(rows[0])
        return self._table.accept_rows(rows) if rows else None

    def accept_table(self, table: np.ndarray) -> dict[str, np.ndarray] | None:
        """As `accept`, from one array of shape [rows, features] in the signature's order."""
        if table.shape != (1, len(self.signature.names)):
            return self._table.accept_array(table) if len(table) else None
        return self._row.accept(table[0].tolist())

    def columns_of_rows(self, rows: Sequence[Any]) -> dict[str, np.ndarray]:
        """As `columns`, from rows: each a list of values in the signature's order, or an object by feature name."""
        if not rows:
            raise InvalidRequest("no rows; at least one is needed")
        accepted = self.accept_rows(rows)
        if accepted is not None:
            return accepted
        names = self.signature.names
        if isinstance(rows[0], Mapping):
            self._check_objects(rows)
            return self.columns({name: list(map(itemgetter(name), rows)) for name in names})
        for row, values in enumerate(rows):
            if type(values) is not list:
                raise InvalidRequest(
                    f"row {row} is not a list of {len(names)} values, as row 0 is" if row else _not_a_row(len(names))
                )
            if len(values) != len(names):
                raise InvalidRequest(f"row {row} has {len(values)} values, expected {len(names)}: {_listed(names)}")
        return self.columns(columns_of(names, rows))

    def _check_objects(self, rows: Sequence[Any]) -> None:
        for row, values in enumerate(rows):
            if not isinstance(values, Mapping):
                raise InvalidRequest(f"row {row} is not an object by feature name, as row 0 is")
            if values.keys() != self._expected:
                try:
                    self.check_names(values.keys())
                except InvalidRequest as error:
                    raise InvalidRequest(f"row {row}: {error}") from None

    def check_names(self, names: Collection[str]) -> None:
        """InvalidRequest where `names`, of which none is there twice, are not those of the features."""
        unknown = next((name for name in names if name not in self._expected), None)
        if unknown is not None:
            near = self._spelling.nearest(unknown)
            hint = f"did you mean {near!r}?" if near else f"expected {_listed(self.signature.names)}"
            raise InvalidRequest(f"unknown feature {unknown[:80]!r}; {hint}")
        if len(names) != len(self._expected):
            missing = [name for name in self.signature.names if name not in names]
            raise InvalidRequest(f"missing {_listed(missing)}; a missing value of a nullable feature is sent as null")


def validated_columns(signature: Signature, raw: RawColumns) -> dict[str, np.ndarray]:
    """`Validator.columns` for one table."""
    return Validator(signature).columns(raw)


def number_bounds(feature: Feature) -> tuple[float, float]:
    """The smallest and largest number that passes for `feature`."""
    low, high = feature.range or (None, None)
    if feature.dtype in TIMES:
        return moment.EARLIEST, math.nextafter(moment.LATEST, 0.0)
    if feature.dtype == "int64" and feature.nullable:
        return (-EXACT if low is None else max(low, -EXACT), EXACT if high is None else min(high, EXACT))
    return (-LARGEST if low is None else low, LARGEST if high is None else high)


def _not_a_row(width: int) -> str:
    return f"row 0 is neither a list of {width} values nor an object by feature name"


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(repr(name) for name in names[:8])
    return f"{text} and {len(names) - 8} more" if len(names) > 8 else text
