"""Rows and columns against the signature: one set of rules for training, batch and every protocol of serving."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from artifact.errors import InvalidRequest
from artifact.feature import Feature
from artifact.prediction import Columns
from artifact.signature import Signature
from artifact.validation.column import EXACT, LARGEST, convert, needs_column
from artifact.validation.spelling import Spelling
from artifact.validation.table import Accepted, RawColumns, TableRules, columns_of

_NUMBERS = frozenset((float, int))
_INT64 = (-(2**63), 2**63 - 1)
Pick = Callable[[Sequence[Any]], Sequence[Any]]


class Validator:
    """The checks of one signature, compiled once."""

    def __init__(self, signature: Signature, frequent: Mapping[str, Iterable[str]] | None = None) -> None:
        """`frequent`: texts that most values of a feature are expected to be, by its name. Columns where that is so are
        looked up in them, and are `artifact.categorical.CategoricalColumns`.
        """
        self.signature = signature
        self.dtypes = {feature.name: feature.dtype for feature in signature.inputs}
        self._expected = frozenset(signature.names)
        self._row, self._table = _RowRules(signature), TableRules(signature, frequent)
        self._spelling = Spelling(signature.names)

    def columns(self, raw: RawColumns) -> Columns:
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

    def accept(self, raw: RawColumns) -> Accepted:
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

    def accept_rows(self, rows: Sequence[Any]) -> Accepted:
        """As `accept`, from rows as `columns_of_rows` takes them."""
        if len(rows) == 1:
            return self._row.accept_any(rows[0])
        return self._table.accept_rows(rows) if rows else None

    def accept_table(self, table: np.ndarray) -> Accepted:
        """As `accept`, from one array of shape [rows, features] in the signature's order."""
        if table.shape != (1, len(self.signature.names)):
            return self._table.accept_array(table) if len(table) else None
        return self._row.accept(table[0].tolist())

    def columns_of_rows(self, rows: Sequence[Any]) -> Columns:
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


def validated_columns(signature: Signature, raw: RawColumns) -> Columns:
    """`Validator.columns` for one table."""
    return Validator(signature).columns(raw)


def _not_a_row(width: int) -> str:
    return f"row 0 is neither a list of {width} values nor an object by feature name"


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(repr(name) for name in names[:8])
    return f"{text} and {len(names) - 8} more" if len(names) > 8 else text


class _RowRules:
    """The checks of one signature, compiled into one pass over the values of a row."""

    def __init__(self, signature: Signature) -> None:
        self._names = signature.names
        groups: dict[str, list[int]] = {"float64": [], "int64": [], "bool": [], "string": []}
        for position, feature in enumerate(signature.inputs):
            groups.get(feature.dtype, []).append(position)
        by_dtype = {dtype: [signature.inputs[at] for at in positions] for dtype, positions in groups.items()}
        self._float_bounds = [_bounds(feature, (-LARGEST, LARGEST)) for feature in by_dtype["float64"]]
        self._whole_bounds = [_bounds(feature, _INT64) for feature in by_dtype["int64"]]
        self._nullable = {dtype: [feature.nullable for feature in features] for dtype, features in by_dtype.items()}
        self._categories = [
            (place, frozenset(feature.categories))
            for place, feature in enumerate(by_dtype["string"])
            if feature.categories is not None
        ]
        forms: dict[str, tuple[Callable[[Sequence[Any]], bool], Any]] = {
            "float64": (self._fit_floats, np.float64),
            "int64": (self._fit_wholes, np.int64),
            "bool": (self._fit_flags, np.float64),
            "string": (self._fit_texts, object),
        }
        width = len(signature.inputs)
        self._groups = [(_pick(at, width), *forms[dtype]) for dtype, at in groups.items() if at]
        # Where the four groups, one behind the other, have each feature of the signature.
        order = [position for positions in groups.values() for position in positions]
        self._order = None if order == sorted(order) else itemgetter(*np.argsort(order).tolist())
        self._needs_column = any(map(needs_column, signature.inputs))

    def accept(self, row: Sequence[Any]) -> dict[str, np.ndarray] | None:
        """The columns, of shape [1] each, of one value a feature in the signature's order; None for a closer look."""
        if self._needs_column or len(row) != len(self._names):
            return None
        columns: list[np.ndarray] = []
        for pick, fits, dtype in self._groups:
            values = pick(row)
            if not fits(values):
                return None
            if dtype is object and None in values:
                values = [np.nan if value is None else value for value in values]
            columns.extend(np.array(values, dtype=dtype).reshape(-1, 1))
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

    def _are(self, kind: type, values: Sequence[Any], dtype: str) -> bool:
        """Whether `values` are of `kind`, or null where that may be."""
        return all(
            nullable if value is None else type(value) is kind
            for value, nullable in zip(values, self._nullable[dtype], strict=True)
        )

    def _fit_floats(self, values: Sequence[Any]) -> bool:
        types = set(map(type, values))
        if not types <= _NUMBERS:
            return types <= _NUMBERS | {type(None)} and self._fit_gaps(values)
        for value, (low, high) in zip(values, self._float_bounds):  # noqa: B905  # the row's length was looked at
            if not low <= value <= high:
                return False
        return int not in types or all(type(value) is float or -EXACT <= value <= EXACT for value in values)

    def _fit_gaps(self, values: Sequence[Any]) -> bool:
        for value, (low, high), nullable in zip(values, self._float_bounds, self._nullable["float64"], strict=True):
            if value is None:
                if not nullable:
                    return False
            elif not low <= value <= high or (type(value) is int and not -EXACT <= value <= EXACT):
                return False
        return True

    def _fit_wholes(self, values: Sequence[Any]) -> bool:
        if set(map(type, values)) != {int}:
            return False
        return all(low <= value <= high for value, (low, high) in zip(values, self._whole_bounds, strict=True))

    def _fit_flags(self, values: Sequence[Any]) -> bool:
        return set(map(type, values)) == {bool} or self._are(bool, values, "bool")

    def _fit_texts(self, values: Sequence[Any]) -> bool:
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


def _bounds(feature: Feature, widest: tuple[float, float]) -> tuple[float, float]:
    low, high = feature.range or (None, None)
    return (widest[0] if low is None else max(low, widest[0]), widest[1] if high is None else min(high, widest[1]))


def _pick(positions: list[int], width: int) -> Pick:
    """The values at `positions` of a row of `width`, as a sequence whatever their number."""
    match positions:
        case _ if len(positions) == width:
            return lambda row: row
        case [position]:
            return lambda row: (row[position],)
        case _ if positions == list(range(positions[0], positions[-1] + 1)):
            part = slice(positions[0], positions[-1] + 1)
            return lambda row: row[part]
        case _:
            return itemgetter(*positions)
