"""What a table is made of: the schema that its values suggest, and the columns that no model should take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artifact.errors import ConfigurationError
from artifact.signature import Feature
from features import calendar
from pipeline.data import conversion
from pipeline.data.contract import MARKERS
from pipeline.data.id_columns import NAME, WORDS
from pipeline.data.table import Table
from pipeline.params.messages import near

_ONE_IN = 0.5  # of the rows: texts that differ more often than this name the row, they do not describe it
_FEW = 50


@dataclass(frozen=True)
class Column:
    """A feature: its entry of the schema; its kind (numeric, flag, category, moment); its texts for a missing value."""

    feature: Feature
    kind: str
    values: np.ndarray
    markers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Left:
    """A column that stays out, and why."""

    name: str
    reason: str


def column(table: Table, name: str) -> Column | Left:
    """The column `name` as a feature, or why it is none."""
    guessed = guess(table, name)
    if isinstance(guessed, Left):
        return guessed
    present = guessed.values[~conversion.absent(guessed.values)]
    distinct = len(set(present.tolist()))
    if distinct == 0:
        return Left(name, "it is empty")
    if distinct == 1 and len(present) == len(guessed.values):
        return Left(
            name, f"every row holds {present[0]!r}" if isinstance(present[0], str) else f"every row holds {present[0]}"
        )
    if guessed.kind == "category":
        return _category(guessed, present, distinct)
    if guessed.feature.dtype == "int64" and distinct == len(guessed.values) > 2 and _counts_up(name, present):
        return Left(name, "it numbers the rows")
    return guessed


def require(table: Table, name: str, option: str) -> None:
    """ConfigurationError (10) unless `name` is a column, with the nearest that is."""
    if name not in table.names:
        raise ConfigurationError(f"{option} {name!r} is no column of the data{near(name, table.names)}")


def guess(table: Table, name: str) -> Column | Left:
    """The column `name` by its values, whether or not a model should take it."""
    raw = table.columns.column(name)
    return text(name, raw) if table.text else typed(name, raw)


def text(name: str, raw: pa.ChunkedArray) -> Column | Left:
    """A column of a CSV: numbers where every cell is one, true and false, dates, or text."""
    cells = pc.utf8_trim_whitespace(raw)
    words = {word for word in pc.unique(cells).to_pylist() if word is not None}
    markers = tuple(sorted(word for word in words if word.lower() in MARKERS))
    missing = raw.null_count > 0 or "" in words or bool(markers)
    for dtype, kind in (("int64", "numeric"), ("float64", "numeric"), ("bool", "flag")):
        if dtype == "int64" and missing:
            continue
        if not words - set(markers) - {""}:
            break
        if dtype == "bool" and {word.lower() for word in words} & {"0", "1"}:
            continue
        feature = Feature(name, dtype, missing)
        values, violations = conversion.text(feature, raw, markers)
        if not violations:
            return Column(feature, kind, values, markers)
    values, _ = conversion.text(Feature(name, "string"), raw, ())
    return _texts(name, values)


def typed(name: str, raw: pa.ChunkedArray) -> Column | Left:
    """A column of a Parquet file, by its type."""
    kind = raw.type.value_type if pa.types.is_dictionary(raw.type) else raw.type
    absent = raw.null_count > 0
    if pa.types.is_null(kind):
        return Left(name, "it is empty")
    if pa.types.is_floating(kind):
        absent = absent or bool(pc.any(pc.is_nan(raw)).as_py())
    if pa.types.is_boolean(kind):
        feature, group = Feature(name, "bool", absent), "flag"
    elif pa.types.is_integer(kind) and not absent:
        feature, group = Feature(name, "int64"), "numeric"
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        feature, group = Feature(name, "float64", absent), "numeric"
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_temporal(kind):
        values, _ = conversion.typed(Feature(name, "string"), raw)
        return _texts(name, values)
    else:
        return Left(name, f"a model takes no {kind}; write it as numbers or text")
    values, violations = conversion.typed(feature, raw)
    if violations:
        return Left(name, f"{violations[0]}; correct the values to use it")
    return Column(feature, group, values)


def _texts(name: str, values: np.ndarray) -> Column:
    absent = conversion.absent(values)
    feature = Feature(name, "string", bool(absent.any()))
    moments = calendar.parse(values[~absent])
    dates = (
        len(moments) > 0
        and not np.asarray(moments.isna()).any()
        and all(len(str(value)) >= 8 for value in values[~absent])
    )
    return Column(feature, "moment" if dates else "category", values)


def _category(column: Column, present: np.ndarray, distinct: int) -> Column | Left:
    name = column.feature.name
    words = np.mean([len(str(value).split()) for value in present[:1000].tolist()])
    if distinct > _FEW and words >= WORDS:
        return Left(name, "it is free text; write a transformer in features/ to use it")
    if distinct > len(column.values) * _ONE_IN and (distinct > _FEW or distinct == len(column.values)):
        return Left(name, f"it has {distinct} different texts in {len(column.values)} rows, like an id")
    return column


def _counts_up(name: str, values: np.ndarray) -> bool:
    return bool(NAME.search(name)) or bool(np.all(np.diff(values) == 1))


def declared(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The entries of the schema, as params.yaml spells them."""
    entries = []
    for column in columns:
        entry = {key: value for key, value in column.feature.to_dict().items() if key != "name"}
        if not entry["nullable"]:
            del entry["nullable"]
        entries.append(entry)
    return entries
