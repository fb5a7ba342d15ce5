"""The table against the declared schema: each column converted without loss, each violation with its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifact.errors import DataContractError
from artifact.signature import Feature
from pipeline import conversion
from pipeline.conversion import Violation
from pipeline.section import near
from pipeline.table import Table

_SHOWN = 20
# What other tools write for a missing value; here they are text until data.missing names them.
MARKERS = frozenset({"na", "n/a", "nan", "null", "none", "nil", "-", "?", "missing", "#n/a"})


@dataclass(frozen=True)
class Checked:
    """A table that fits: column name → values in the forms `artifact.validation` takes, [rows] each."""

    columns: Mapping[str, np.ndarray]
    rows: int


def check(table: Table, schema: Sequence[Feature], missing: Sequence[str]) -> Checked:
    """Every column of `schema` in `table`, converted; `missing` are the texts that stand for a missing number.

    Raises DataContractError (40) that lists each violation: column, rule, number of rows, the first rows (counted from
    1, the header not counted) and the first value.
    """
    violations: list[Violation] = []
    columns: dict[str, np.ndarray] = {}
    for feature in schema:
        if feature.name not in table.columns.column_names:
            rule = f"column is missing{near(feature.name, table.columns.column_names)}"
            violations.append(Violation(feature.name, rule, 0, (), None))
            continue
        column = table.columns.column(feature.name)
        values, found = conversion.text(feature, column, missing) if table.text else conversion.typed(feature, column)
        violations += found
        violations += _constraints(feature, values, {row for violation in found for row in violation.all_rows})
        columns[feature.name] = values
    if violations:
        raise refused(violations)
    return Checked(columns, table.columns.num_rows)


def refused(violations: Sequence[Violation]) -> DataContractError:
    """The error that lists `violations`."""
    listed = "; ".join(str(violation) for violation in violations[:_SHOWN])
    more = f"; and {len(violations) - _SHOWN} more" if len(violations) > _SHOWN else ""
    remedy = "correct the data, or the schema in params.yaml"
    marker = next((violation.value for violation in violations if violation.is_marker(MARKERS)), None)
    if marker is not None:
        remedy += f"; where {marker!r} stands for a missing value, list it under data.missing"
    return DataContractError(f"the data does not match its schema: {listed}{more}; {remedy}")


def _constraints(feature: Feature, values: np.ndarray, wrong_already: set[int]) -> list[Violation]:
    absent = conversion.absent(values)
    known = np.ones(len(values), dtype=bool)
    known[sorted(wrong_already)] = False
    found = []
    if not feature.nullable:
        rule = "nullable: false" + (
            " (int64 has no missing value: declare float64)" if feature.dtype == "int64" else ""
        )
        found.append(Violation.of(feature.name, rule, absent & known, values))
    present = known & ~absent
    if feature.range is not None:
        low, high = feature.range
        numbers = np.where(present, values, 0)
        if low is not None:
            found.append(Violation.of(feature.name, f"range: at least {low}", present & (numbers < low), values))
        if high is not None:
            found.append(Violation.of(feature.name, f"range: at most {high}", present & (numbers > high), values))
    if feature.categories is not None:
        allowed = set(feature.categories)
        unknown = np.fromiter((value not in allowed for value in values.tolist()), dtype=bool, count=len(values))
        listed: list[Any] = list(feature.categories[:6])
        found.append(Violation.of(feature.name, f"categories: {listed}", present & unknown, values))
    return [violation for violation in found if violation is not None]
