"""The rules of the whole table, checked by Pandera: what must not repeat, how many rows, how old the newest may be."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.data import constraints
from pipeline.data.conversion import Violation
from pipeline.params.params import Params

_DAY = 86_400 * 10**9  # nanoseconds


def repeats(
    hashed: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray], members: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, tuple[str, ...], np.ndarray]]:
    """(column, its members, numbers of the rows from 0 that repeat an earlier one) by hashes, [rows] a column.

    Missing values are not compared. Of two different texts in 10 million rows, some share a 64-bit hash with a chance
    of 3 in a million; numbers never do.
    """
    repeated = []
    for name, hashes in hashed.items():
        rows = np.flatnonzero(present[name])
        schema = constraints.of_uniqueness({name: "unique"})
        for column, _, places in constraints.failures(schema, pd.DataFrame({name: hashes[rows]}), lambda *_: "unique"):
            repeated.append((column, members[column], rows[places]))
    return repeated


def violations(params: Params, rows: int, moments: np.ndarray | None) -> list[Violation]:
    """Number of rows, and age of the newest of `moments`, [rows] in nanoseconds, against the clock.

    The clock decides whether training may start, never what comes out: no age is written into any output.
    """
    contract = params.prepare.contract
    facts: dict[str, Any] = {"rows": rows}
    low, high = contract.rows.min, contract.rows.max
    bounds: dict[str, tuple[Any, Any, str, str]] = {
        "rows": (low, high, f"prepare.contract.rows: at least {low}", f"prepare.contract.rows: at most {high}")
    }
    days, time = contract.max_age_days, params.data.time
    if days is not None and moments is not None and time is not None:
        facts[time] = int(moments.max())
        rule = f"prepare.contract.max_age_days: the newest row is at most {days} days old"
        bounds[time] = (int(_now().timestamp()) * 10**9 - days * _DAY, None, rule, "")
    broken = []
    for column, rule, _ in constraints.failures(
        constraints.of_table(bounds), pd.DataFrame([facts]), lambda _, check: check
    ):
        value = f"the data has {rows}" if column == "rows" else f"it is of {moment(facts[column])}"
        broken.append(Violation(column, f"{rule}; {value}", 0, (), None))
    return broken


def moment(nanoseconds: int) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
