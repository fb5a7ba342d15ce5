"""Guesses the schema of a table from its values, and finds the columns that no model should take."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from artifact.errors import ConfigurationError
from artifact.quantity import quantity
from artifact.signature import Feature
from pipeline.data import conversion
from pipeline.data.id_columns import NAME, WORDS
from pipeline.params.cells import Cells, Format
from pipeline.params.messages import near
from starter import text_column
from starter.column import Column, Left, line

_ONE_IN = 0.5  # of the rows: texts that differ more often than this name the row, they do not describe it
_FEW = 50
_MOST_TEXTS, _TERMS = 1000, 50  # texts whose words are counted, and the fewest different ones that a model is made of
_TERM = re.compile(r"\b\w\w+\b")  # a word, as TfidfVectorizer takes it
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")


class Raw(Protocol):
    """A table whose columns are read one by one; `text`: its cells are text, as in a CSV."""

    @property
    def names(self) -> list[str]: ...

    @property
    def text(self) -> bool: ...

    def column(self, name: str) -> pa.ChunkedArray: ...


def column(table: Raw, name: str) -> Column | Left:
    """The column `name` as a feature, or why it is none."""
    guessed = guess(table, name)
    if isinstance(guessed, Left):
        return guessed
    present = guessed.values[~conversion.absent(guessed.values)]
    if len(present) == 0:
        return Left(name, "it is empty")
    if len(present) == len(guessed.values) and bool((present == present[0]).all()):
        return Left(
            name, f"every row holds {present[0]!r}" if isinstance(present[0], str) else f"every row holds {present[0]}"
        )
    if guessed.kind == "moment":
        return text_column.declared_moment(guessed)
    if guessed.kind == "category":
        category = _category(guessed, present, len(pd.unique(present)))
        if isinstance(category, Left) and guessed.note:
            return Left(name, f"{category.reason}; {guessed.note}")
        return category
    if guessed.feature.dtype == "int64" and len(guessed.values) > 2 and _numbers_rows(name, present):
        return Left(name, "it numbers the rows")
    return guessed


def require(table: Raw, name: str, option: str) -> None:
    """ConfigurationError (10) unless `name` is a column, with the nearest that is."""
    if name not in table.names:
        raise ConfigurationError(f"{option} {name!r} is no column of the data{near(name, table.names)}")


def guess(table: Raw, name: str) -> Column | Left:
    """The column `name` by its values, whether or not a model should take it."""
    raw = table.column(name)
    return text_column.of_cells(name, raw) if table.text else typed(name, raw)


def typed(name: str, raw: pa.ChunkedArray) -> Column | Left:
    """A column of a Parquet file, by its type."""
    kind = raw.type.value_type if pa.types.is_dictionary(raw.type) else raw.type
    absent = raw.null_count > 0
    if pa.types.is_null(kind):
        return Left(name, "it is empty")
    if pa.types.is_duration(kind):
        return Left(name, "a model takes no duration; write it as a number of seconds")
    if pa.types.is_floating(kind):
        absent = absent or bool(pc.any(pc.is_nan(raw)).as_py())
    if pa.types.is_boolean(kind):
        feature, group = Feature(name, "bool", absent), "flag"
    elif pa.types.is_integer(kind) and not absent:
        feature, group = Feature(name, "int64"), "numeric"
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        feature, group = Feature(name, "float64", absent), "numeric"
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_temporal(kind):
        if not pa.types.is_temporal(kind):
            return _numbers_in_text(text_column.of_cells(name, raw.cast(pa.string())))
        values, _ = conversion.typed(Feature(name, "string"), raw, Cells())
        return text_column.of_texts(name, values)
    else:
        return Left(name, f"a model takes no {kind}; write it as numbers or text")
    values, violations = conversion.typed(feature, raw, Cells())
    if violations:
        return Left(name, f"{violations[0]}; correct the values to use it")
    return Column(feature, group, values)


def _numbers_in_text(column: Column | Left) -> Column | Left:
    """A typed file holds numbers as text only where somebody wrote them so: the schema then says that they are."""
    if isinstance(column, Left) or column.feature.dtype == "string" or column.format is not None:
        return column
    read = replace(column, format=Format())
    return replace(read, note=f"all cells are numbers or booleans in text; written: {line(read)}")


def _category(column: Column, present: np.ndarray, distinct: int) -> Column | Left:
    name = column.feature.name
    words = np.mean([len(str(value).split()) for value in present[:1000].tolist()])
    if distinct > _FEW and words >= WORDS:
        terms = {term for value in present[:_MOST_TEXTS].tolist() for term in _TERM.findall(str(value).lower())}
        if len(terms) < _TERMS:
            different = quantity(len(terms), "different word")
            return Left(name, f"it is free text of {different}; write a transformer in features/ to use it")
        return replace(column, kind="text", note=f"free text, taken by its words, of which {len(terms)} differ")
    if distinct > len(column.values) * _ONE_IN and (distinct > _FEW or distinct == len(column.values)):
        reason = f"it has {distinct} different texts in {len(column.values)} rows, like an id"
        if all(_CLOCK.fullmatch(str(value)) for value in present.tolist()):
            reason = f"a time of day, such as {present[0]!r}, is no number; write the minutes since midnight to use it"
        return Left(name, reason)
    return column


def _numbers_rows(name: str, values: np.ndarray) -> bool:
    """Whether the whole numbers count up, or are all different in a column that is named as an id."""
    return bool(np.all(np.diff(values) == 1)) or bool(NAME.search(name) and len(pd.unique(values)) == len(values))
