"""A signature compiled into whole-table checks: columns that fit are accepted in a few array operations.

What is accepted here is exactly what `column` converts, to the bit; where a table does not fit, or is of a form that is
rare, the answer is None, and `column` looks again value by value and says which row is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from artifact import checkpoint
from artifact.categorical import Categorical, CategoricalColumns
from artifact.feature import Feature
from artifact.prediction import Columns
from artifact.signature import Signature
from artifact.validation import packing
from artifact.validation.column import EXACT, LARGEST, needs_column
from artifact.validation.utf8_texts import Utf8Texts
from artifact.validation.vocabulary import Vocabulary

_NONE = type(None)
_PIECE = 1 << 12  # rows at once: other threads run between two pieces
_SOME = 64  # rows from which a text is sooner looked up than looked at
RawColumns = Mapping[str, Sequence[Any] | np.ndarray]
Accepted = Columns | None


class TableRules:
    """The checks of one signature, one block of features a dtype."""

    def __init__(self, signature: Signature, frequent: Mapping[str, Iterable[str]] | None = None) -> None:
        """`frequent`: texts that most values of a feature are expected to be, by its name."""
        blocks: dict[str, list[Feature]] = {}
        for feature in signature.inputs:
            blocks.setdefault(feature.dtype, []).append(feature)
        frequent = frequent or {}
        numbers = [_Numbers(blocks[dtype], dtype) for dtype in ("float64", "int64", "bool") if dtype in blocks]
        texts = [_Texts(feature, frequent.get(feature.name)) for feature in blocks.get("string", ())]
        self._blocks: list[_Numbers | _Texts] = [*numbers, *texts]
        self._needs_column = any(map(needs_column, signature.inputs))
        self._order = signature.names
        # One block of numbers that fit one array: rows and wide tensors need no columns on the way.
        alone = len(self._blocks) == len(numbers) == 1 and "bool" not in blocks and not self._needs_column
        self._wide = numbers[0] if alone else None
        self._pick = itemgetter(*self._order) if len(self._order) > 1 else None

    def accept(self, raw: RawColumns) -> Accepted:
        """The converted columns, in the signature's order, or None for a closer look."""
        if self._needs_column:
            return None
        into: dict[str, np.ndarray] = {}
        texts: dict[str, Categorical] = {}
        for block in self._blocks:
            if not block.accept(raw, into, texts):
                return None
        return CategoricalColumns(self._order, into, texts) if texts else {name: into[name] for name in self._order}

    def accept_rows(self, rows: Sequence[Any]) -> Accepted:
        """As `accept`, from rows: lists in the signature's order, or objects by feature name."""
        first, width = rows[0], len(self._order)
        if type(first) is dict:
            return self._accept_objects(rows)
        if type(first) is not list:
            return None
        if self._wide is not None:
            table = packing.table(rows, width, self._wide.whole)
            if table is not None:
                return self.accept_array(table)
        if packing.types(rows) != {list} or not packing.have_length(rows, width):
            return None
        return self.accept(columns_of(self._order, rows))

    def accept_array(self, table: np.ndarray) -> Accepted:
        """As `accept`, from an array of shape [rows, features]."""
        if table.shape[1] != len(self._order):
            return None
        if self._wide is None:
            return self.accept(dict(zip(self._order, table.T, strict=True)))
        into: dict[str, np.ndarray] = {}
        return into if self._wide.accept_array(table.T, into) else None

    def _accept_objects(self, rows: Sequence[Any]) -> Accepted:
        # As many keys as there are features, and every feature among them: no other key, then.
        if self._pick is None or packing.types(rows) != {dict} or not packing.have_length(rows, len(self._order)):
            return None
        values: list[Any] = []
        try:
            for start in range(0, len(rows), _PIECE):
                checkpoint.check()
                values += map(self._pick, rows[start : start + _PIECE])
        except KeyError:
            return None
        return self.accept(columns_of(self._order, values))


def columns_of(names: Sequence[str], rows: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """The values of each of `names`; each of `rows` has one for each, in their order. Other threads run in between."""
    if len(rows) <= _PIECE:
        return dict(zip(names, zip(*rows, strict=True), strict=True))
    columns: dict[str, Sequence[Any]] = {}
    for place, name in enumerate(names):
        values: list[Any] = []
        for start in range(0, len(rows), _PIECE):
            checkpoint.check()
            values += map(itemgetter(place), rows[start : start + _PIECE])
        columns[name] = values
    return columns


class _Numbers:
    """Features of one dtype of numbers or booleans."""

    def __init__(self, features: list[Feature], dtype: str) -> None:
        self.whole = dtype == "int64"
        self._names = [feature.name for feature in features]
        self._type = np.int64 if self.whole else np.float64
        types: dict[str, set[type]] = {"float64": {float, int}, "int64": {int}, "bool": {bool}}
        self._json_types = types[dtype]
        self._kind = {"float64": "f", "int64": "i", "bool": "b"}[dtype]
        widest = (-(2**63), 2**63 - 1) if self.whole else (-LARGEST, LARGEST)
        ends = [feature.range or (None, None) for feature in features]
        self._low = np.array([widest[0] if low is None else low for low, _ in ends])
        self._high = np.array([widest[1] if high is None else high for _, high in ends])
        self._bounded = dtype == "float64" or any(feature.range for feature in features)
        self._nullable = np.array([feature.nullable for feature in features])
        if self._nullable.any():
            self._json_types = self._json_types | {_NONE}

    def accept(self, raw: RawColumns, into: dict[str, np.ndarray], _: Any = None) -> bool:
        columns = [raw[name] for name in self._names]
        if all(isinstance(column, np.ndarray) for column in columns):
            kinds = {np.asarray(column).dtype.kind for column in columns}
            # One kind, so that what they become together is a wider one: int64 beside uint64 would become a float.
            if len(kinds) == 1 and kinds <= set("fib"):
                if not all(np.ndim(column) == 1 for column in columns):
                    return False
                copy = np.array(columns)
                return self._takes(copy) and self._accept_converted(copy.astype(self._type, copy=False), into)
        table = self._packed(columns)
        return table is not None and self._accept_converted(table, into)

    def accept_array(self, table: np.ndarray, into: dict[str, np.ndarray]) -> bool:
        """Whether `table`, of shape [features, rows], fits; the rows of a copy of it are then the columns in `into`."""
        # A copy: models may write into their columns. Each of them is in one piece, however `table` lies in memory.
        return self._takes(table) and self._accept_converted(np.array(table, dtype=self._type, order="C"), into)

    def _accept_converted(self, table: np.ndarray, into: dict[str, np.ndarray]) -> bool:
        """As `accept_array`, of an array of the features' own type, which is not copied."""
        if self._type is np.float64 or self._bounded:
            # Each of them is NaN where a value is, which is within no bounds.
            least, most = np.minimum.reduce(table, axis=1), np.maximum.reduce(table, axis=1)
            fits = (least >= self._low) & (most <= self._high) if self._bounded else ~np.isnan(least)
            if not np.logical_and.reduce(fits) and not self._fit_but_gaps(table):
                return False
        into.update(zip(self._names, table, strict=True))
        return True

    def _fit_but_gaps(self, table: np.ndarray) -> bool:
        """Whether the values fit, where some may be missing."""
        gaps = np.isnan(table)
        if (gaps.any(axis=1) & ~self._nullable).any():
            return False
        low, high = self._low[:, np.newaxis], self._high[:, np.newaxis]
        return not self._bounded or bool((gaps | ((table >= low) & (table <= high))).all())

    def _takes(self, table: np.ndarray) -> bool:
        """Whether the type of `table` becomes the features' without loss: a narrower one of the same kind, whole
        numbers up to 2^53 for floats, and floats that are such whole numbers for them.
        """
        kind = table.dtype.kind
        if table.dtype.itemsize > 8:
            return False
        if self._kind == "f" and kind in "iu":
            return bool(table.max() <= EXACT and (kind == "u" or table.min() >= -EXACT))
        if self._kind == "i" and kind == "f":
            # As floats of Python: 2^53 is no float16.
            within = float(table.max()) <= EXACT and float(table.min()) >= -EXACT
            return within and bool((np.trunc(table) == table).all())
        return kind == self._kind

    def _packed(self, columns: list[Any]) -> np.ndarray | None:
        table = np.empty((len(columns), len(columns[0])), dtype=self._type)
        for place, column in enumerate(columns):
            checkpoint.check()
            if isinstance(column, np.ndarray):
                packed = column if column.ndim == 1 and column.dtype.kind in "fib" and self._takes(column) else None
            else:
                packed = packing.booleans(column) if self._kind == "b" else packing.column(column, self.whole)
                if packed is None:
                    packed = self._closely(column)
            if packed is None:
                return None
            table[place] = packed
        return table

    def _closely(self, column: Sequence[Any]) -> np.ndarray | None:
        """Booleans and numbers of which some are missing."""
        types = packing.types(column)
        if not types <= self._json_types:
            return None
        # A whole number beyond 2^53 may not be exact as float64: `column` tells.
        if int in types and any(type(value) is int and not -EXACT <= value <= EXACT for value in column):
            return None
        return np.array(column, dtype=self._type)


class _Texts:
    """One feature of text."""

    def __init__(self, feature: Feature, frequent: Iterable[str] | None) -> None:
        self._name = feature.name
        self._nullable = feature.nullable
        self._categories = None if feature.categories is None else frozenset(feature.categories)
        self._vocabulary = None if frequent is None else Vocabulary(frequent, self._nullable, self._categories)

    def accept(self, raw: RawColumns, into: dict[str, np.ndarray], texts: dict[str, Categorical]) -> bool:
        checkpoint.check()
        values = raw[self._name]
        if isinstance(values, np.ndarray):
            return False
        if self._vocabulary is not None and _SOME <= len(values) <= _PIECE:
            categorical = self._vocabulary.categorical(values)
            if categorical is not None:
                texts[self._name] = categorical
                return True
        if type(values) is Utf8Texts:
            values = values.tolist()
        present = [value for value in values if value is not None] if self._nullable else values
        try:
            joined = "".join(present)  # refuses what is no text
            if not joined.isascii():
                joined.encode()
        except (TypeError, UnicodeEncodeError):
            return False
        if self._categories is not None and not self._categories.issuperset(present):
            return False
        if len(present) < len(values):
            values = [np.nan if value is None else value for value in values]
        column = np.empty(len(values), dtype=object)
        column[:] = values
        into[self._name] = column
        return True
