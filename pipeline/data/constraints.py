"""The declared rules as Pandera schemas, and Pandera's failure cases as violations with their rows.

Conversion (`pipeline.data.conversion`) comes first and loses nothing; what the converted values may be is said here,
once, and checked by Pandera: lazily, so that one run shows all that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from artifact.signature import TIMES, Feature
from artifact.validation.column import LARGEST
from pipeline.data.conversion import Violation, absent

_MOST_CATEGORIES = 6  # of the categories
_TYPES: dict[str, Any] = {
    "float64": "float64",
    "int64": "Int64",
    "bool": "boolean",
    "string": object,
    **dict.fromkeys(TIMES, "float64"),
}


def of_rows(schema: Sequence[Feature]) -> pa.DataFrameSchema:
    """What each value may be: type, nullability, range, categories."""
    return pa.DataFrameSchema(
        {
            feature.name: pa.Column(_TYPES[feature.dtype], _checks(feature), nullable=feature.nullable)
            for feature in schema
        }
    )


def of_uniqueness(rules: Mapping[str, str]) -> pa.DataFrameSchema:
    """Columns of the 64-bit hashes of values that must not repeat; `rules` maps each to its rule."""
    return pa.DataFrameSchema(
        {name: pa.Column("uint64", unique=True, nullable=False, report_duplicates="exclude_first") for name in rules}
    )


def of_table(bounds: Mapping[str, tuple[Any, Any, str, str]]) -> pa.DataFrameSchema:
    """One row of facts of the whole table, each with its (lowest, highest, rule, rule)."""
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                checks=[
                    check(end, error=rule)
                    for check, end, rule in ((pa.Check.ge, low, too_low), (pa.Check.le, high, too_high))
                    if end is not None
                ]
            )
            for name, (low, high, too_low, too_high) in bounds.items()
        }
    )


def frame(schema: Sequence[Feature], columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Converted columns in the types of `of_rows`, exact, with a place for what is missing."""
    return pd.DataFrame({feature.name: _typed(feature, columns[feature.name]) for feature in schema})


def failures(
    schema: pa.DataFrameSchema, values: pd.DataFrame, rule_of: Callable[[str, str], str]
) -> list[tuple[str, str, np.ndarray]]:
    """(column, rule, indexes of the rows that break it, ascending), one a check, in the order of the columns.

    `rule_of` gives the words for a column and one of Pandera's own checks (not_nullable, field_uniqueness).
    """
    # Pandera would obey an environment that switches it off.
    with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        try:
            schema.validate(values, lazy=True, inplace=True)
        except SchemaErrors as error:
            cases = error.failure_cases
        else:
            return []
    broken = []
    order = {name: place for place, name in enumerate(schema.columns)}
    for (column, check), rows in cases.groupby(["column", "check"], sort=False, dropna=False):
        rule = rule_of(str(column), str(check))
        broken.append((str(column), rule, np.sort(rows["index"].to_numpy(dtype=np.int64))))
    return sorted(broken, key=lambda case: order[case[0]])


def violations(
    schema: pa.DataFrameSchema, features: Sequence[Feature], columns: Mapping[str, np.ndarray]
) -> list[Violation]:
    """What the converted `columns` of one chunk break of `schema`, which is `of_rows(features)`."""

    def rule_of(column: str, check: str) -> str:
        if check != "not_nullable":
            return check
        return "nullable: false"

    broken = []
    for column, rule, places in failures(schema, frame(features, columns), rule_of):
        wrong = np.zeros(len(columns[column]), dtype=bool)
        wrong[places] = True
        broken.append(Violation.of(column, rule, wrong, columns[column]))
    return [violation for violation in broken if violation is not None]


def _checks(feature: Feature) -> list[pa.Check]:
    low, high = feature.range or (None, None)
    checks = []
    if low is not None:
        checks.append(pa.Check.ge(low, error=f"range: at least {low}"))
    if high is not None:
        checks.append(pa.Check.le(high, error=f"range: at most {high}"))
    if feature.dtype == "float64" and (low is None or high is None or low < -LARGEST or high > LARGEST):
        checks.append(
            pa.Check.in_range(-LARGEST, LARGEST, error="range: what float32 holds, in which trees and engines compute")
        )
    if feature.categories is not None:
        allowed = list(feature.categories)
        checks.append(pa.Check.isin(allowed, error=f"categories: {_listed(allowed)}"))
    return checks


def _listed(values: Sequence[Any]) -> str:
    more = len(values) - _MOST_CATEGORIES
    return f"{list(values[:_MOST_CATEGORIES])}" + (f" and {more} more" if more > 0 else "")


def _typed(feature: Feature, values: np.ndarray) -> Any:
    match feature.dtype:
        case "int64":
            missing = absent(values)
            numbers = np.where(missing, 0, values).astype(np.int64) if missing.any() else values.astype(np.int64)
            return pd.arrays.IntegerArray(numbers, missing)
        case "bool":
            missing = absent(values)
            return pd.arrays.BooleanArray(np.where(missing, False, values).astype(bool), missing)
        case _:
            return values
