"""The columns of a table of which every cell fits, taken a column at a time: the usual case, and most of a run's time.

What is taken here is to the bit what `pipeline.data.conversion` and `artifact.validation` make of it. Of a table with a
cell that may not fit the answer is None: those two then look at it again, and say which rows are wrong and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artifact.categorical import Categorical, CategoricalColumns
from artifact.errors import InvalidRequest
from artifact.prediction import Columns
from artifact.signature import Feature, Signature
from artifact.validation.column import needs_column
from artifact.validation.validator import Validator
from pipeline.data import conversion
from pipeline.params.cells import Cells
from scoring import arrays

_NUMBERS = ("float64", "int64")
_FEW = 256  # distinct texts of a column of which a lot is looked up by them, not by its rows
_EXACT = 2.0**53  # whole numbers of a text from here on may not be exact as float64
_NINE = ord("9")  # the greatest byte of a whole number; 0x1F and 1e5 have greater ones


@dataclass(frozen=True)
class PlainColumns:
    """The columns of a table by feature, [rows] each: `numbers`, which `validator` checks, and those that are checked;
    of those `texts` of which few differ.

    `numbers` lie where Arrow has them: a lot of them is copied and checked while the processor's cache holds it.
    """

    names: tuple[str, ...]
    validator: Validator
    numbers: Mapping[str, np.ndarray]
    checked: Mapping[str, np.ndarray]
    texts: Mapping[str, Categorical]

    def lot(self, start: int, end: int) -> Columns | None:
        """The rows from `start` to `end` as an engine takes them; None unless every number of them fits."""
        columns = {name: values[start:end] for name, values in self.checked.items()}
        if self.numbers:
            try:
                columns |= self.validator.columns({name: values[start:end] for name, values in self.numbers.items()})
            except InvalidRequest:
                return None
        if not self.texts:
            return {name: columns[name] for name in self.names}
        texts = {name: Categorical(each.categories, each.codes[start:end]) for name, each in self.texts.items()}
        return CategoricalColumns(self.names, columns, texts)


class PlainTables:
    """Tables for a model with this `signature`; `text`: their cells are text, written as `cells` says."""

    def __init__(self, signature: Signature, cells: Cells, text: bool) -> None:
        self._signature = signature
        self._features = signature.inputs
        self._names = signature.names
        self._by_name = {feature.name: feature for feature in signature.inputs}
        self._alone = {feature.name: Validator(replace(signature, inputs=(feature,))) for feature in signature.inputs}
        several = [each for each in signature.inputs if each.dtype in _NUMBERS and not needs_column(each)]
        self._together = Validator(replace(signature, inputs=tuple(several)))
        self._cells = cells
        self._convert = conversion.text if text else conversion.typed
        self._number = self._of_text if text else _of_type
        # A text such as -999 is a number, and may stand for no value.
        self._numbers_may_be_missing = any(map(_is_number, cells.missing))

    def read(self, table: pa.Table) -> PlainColumns | None:
        """The columns of `table`; None where a cell does not fit. Whether its numbers do, `PlainColumns.lot` says."""
        numbers: dict[str, np.ndarray] = {}
        checked: dict[str, np.ndarray] = {}
        texts: dict[str, Categorical] = {}
        for feature in self._features:
            column = table.column(feature.name)
            column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            if isinstance(column, pa.ChunkedArray):  # more text than one array holds
                return None
            values = self._number(feature, column) if feature.dtype in _NUMBERS else None
            try:
                if values is None:
                    distinct = self._by_distinct(feature, column)
                    if distinct is None:
                        return None
                    if feature.dtype == "string" and len(distinct.categories) <= _FEW:
                        texts[feature.name] = distinct
                    else:
                        checked[feature.name] = np.asarray(distinct.categories)[distinct.codes]
                elif feature.name in self._together.dtypes:
                    numbers[feature.name] = values
                else:
                    checked |= self._alone[feature.name].columns({feature.name: values})
            except (InvalidRequest, pa.ArrowNotImplementedError):
                return None
        validator = self._together if len(numbers) == len(self._together.dtypes) else self._only(numbers)
        return PlainColumns(self._names, validator, numbers, checked, texts)

    def _only(self, numbers: Mapping[str, np.ndarray]) -> Validator:
        """The checks of these numbers alone: the others came as another type."""
        return Validator(replace(self._signature, inputs=tuple(self._by_name[name] for name in numbers)))

    def _by_distinct(self, feature: Feature, column: pa.Array) -> Categorical | None:
        """A column of which each distinct cell is converted and checked once; None where one is wrong."""
        encoded = pc.dictionary_encode(column, null_encoding="encode")
        distinct = pa.chunked_array([encoded.dictionary])
        values, violations = self._convert(feature, distinct, self._cells)
        if violations:
            return None
        checked = self._alone[feature.name].columns({feature.name: as_raw(values)})
        return Categorical(cast(Sequence[Any], checked[feature.name]), arrays.values(encoded.indices))

    def _of_text(self, feature: Feature, column: pa.Array) -> np.ndarray | None:
        """A column of text as numbers where it is written as Arrow writes numbers; None where it may not be."""
        if feature.name in self._cells.formats or self._numbers_may_be_missing:
            return None
        try:
            if feature.dtype == "int64":
                numbers = column.cast(pa.int64())
                whole = column.null_count == 0 and _bytes(column).max(initial=0) <= _NINE
                return arrays.values(numbers) if whole else None
            values = arrays.values(column.cast(pa.float64()))
        except pa.ArrowInvalid:
            return None
        # "nan" and "inf" are numbers to Arrow.
        fits = np.count_nonzero(np.abs(values) < _EXACT) == len(values) - column.null_count
        return values if fits else None


def as_raw(values: np.ndarray) -> Any:
    """Converted values as the validator takes them: objects in a list, as JSON gives them, which its checks are for."""
    return values.tolist() if values.dtype == object else values


def _of_type(feature: Feature, column: pa.Array) -> np.ndarray | None:
    """A typed column of numbers as it is; None for another type, and for whole numbers of which some are missing."""
    kind = column.type
    if pa.types.is_floating(kind) and feature.dtype == "float64":
        return arrays.values(column)
    if pa.types.is_integer(kind) and column.null_count == 0:
        return arrays.values(column)
    return None


def _bytes(column: pa.Array) -> np.ndarray:
    """All bytes of a column of text, [bytes]."""
    _, offsets, data = column.buffers()
    if data is None:
        return np.empty(0, dtype=np.uint8)
    first, last = np.frombuffer(offsets, dtype=np.int32)[[column.offset, column.offset + len(column)]]
    return np.frombuffer(data, dtype=np.uint8)[first:last]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
