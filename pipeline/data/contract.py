"""The table against the declared schema: each column converted without loss, each violation with its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from artifact.errors import DataContractError
from artifact.signature import Feature
from pipeline.data import constraints, conversion
from pipeline.data.conversion import Violation
from pipeline.data.table import Table
from pipeline.params.cells import Cells
from pipeline.params.messages import near

_MOST_VIOLATIONS = 20
# What other tools write for a missing value; here they are text until data.missing names them.
MARKERS = frozenset({"na", "n/a", "nan", "null", "none", "nil", "-", "?", "missing", "#n/a"})


@dataclass(frozen=True)
class Checked:
    """A table that fits: column name → values in the forms `artifact.validation` takes, [rows] each."""

    columns: Mapping[str, np.ndarray]
    rows: int


class Contract:
    """The rules of one schema, and the violations of them in the chunks given to `take`."""

    def __init__(self, schema: Sequence[Feature], cells: Cells) -> None:
        self._schema = tuple(schema)
        self._cells = cells
        self._rules = constraints.of_rows(schema)
        self._violations: dict[tuple[str, str], Violation] = {}

    @property
    def violations(self) -> list[Violation]:
        """All that is wrong so far, in the order of the schema."""
        order = {feature.name: place for place, feature in enumerate(self._schema)}
        return sorted(self._violations.values(), key=lambda violation: order.get(violation.column, len(order)))

    def take(self, table: Table) -> dict[str, np.ndarray]:
        """The columns of the schema in `table`, converted; what does not fit is remembered, with its rows."""
        columns, violations = convert(table, self._schema, self._cells)
        unreadable = {name: violation.places for name, violation in _by_column(violations).items()}
        rows = table.columns.num_rows
        present = [
            feature
            for feature in self._schema
            if feature.name in columns and len(np.unique(unreadable.get(feature.name, []))) < rows
        ]
        rules = self._rules if len(present) == len(self._schema) else constraints.of_rows(present)
        for violation in constraints.violations(rules, present, columns):
            # A value that did not convert is reported already; the rules are not for the value that stands for it.
            wrong = np.zeros(rows, dtype=bool)
            wrong[violation.places] = True
            wrong[unreadable.get(violation.column, [])] = False
            again = Violation.of(violation.column, violation.rule, wrong, columns[violation.column])
            violations += [again] if again is not None else []
        for violation in violations:
            self.add(violation, table)
        return columns

    def add(self, violation: Violation, table: Table | None = None) -> None:
        """Remember a violation: of rows of the chunk `table`, or as it is, of the whole."""
        numbered = violation if table is None or not violation.count else violation.of_table(table)
        key = violation.column, violation.rule
        before = self._violations.get(key)
        self._violations[key] = numbered if before is None else before.and_then(numbered)


def convert(table: Table, schema: Sequence[Feature], cells: Cells) -> tuple[dict[str, np.ndarray], list[Violation]]:
    """The columns of `schema` that `table` has as the declared types, and what did not convert."""
    columns: dict[str, np.ndarray] = {}
    violations: list[Violation] = []
    for feature in schema:
        if feature.name not in table.names:
            rule = f"column is missing{near(feature.name, table.names)}"
            violations.append(Violation(feature.name, rule, 0, (), None))
            continue
        column = table.columns.column(feature.name)
        values, faults = (conversion.text if table.text else conversion.typed)(feature, column, cells)
        columns[feature.name] = values
        violations += faults
    return columns, violations


def check(table: Table, schema: Sequence[Feature], cells: Cells) -> Checked:
    """Every column of `schema` in `table`, converted.

    Raises DataContractError (40) that lists each violation: column, rule, number of rows, the first rows (counted from
    1, the header not counted) and the first value.
    """
    contract = Contract(schema, cells)
    columns = contract.take(table)
    if contract.violations:
        raise refused(contract.violations)
    return Checked(columns, table.columns.num_rows)


def refused(violations: Sequence[Violation]) -> DataContractError:
    """The error that lists `violations`."""
    listed = "; ".join(str(violation) for violation in violations[:_MOST_VIOLATIONS])
    more = f"; and {len(violations) - _MOST_VIOLATIONS} more" if len(violations) > _MOST_VIOLATIONS else ""
    remedy = "correct the data, or what params.yaml asks of it"
    marker = next((violation.value for violation in violations if violation.is_marker(MARKERS)), None)
    if marker is not None:
        remedy += f"; where {marker!r} stands for a missing value, list it under data.missing"
    return DataContractError(f"the data does not match its schema: {listed}{more}; {remedy}")


def _by_column(violations: Sequence[Violation]) -> dict[str, Violation]:
    merged: dict[str, Violation] = {}
    for violation in violations:
        before = merged.get(violation.column)
        places = violation.places if before is None else np.concatenate([before.places, violation.places])
        merged[violation.column] = Violation(violation.column, violation.rule, violation.count, (), None, places)
    return merged
