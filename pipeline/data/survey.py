"""One pass over the raw table: the contract checked, and a few bytes a row kept of what splitting it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from artifact.errors import DataContractError
from artifact.validation import frame as frames
from artifact.validation.column import convert
from pipeline.data import totals
from pipeline.data.contract import Contract, refused
from pipeline.data.conversion import ROWS, Violation, absent
from pipeline.data.id_columns import Distinct
from pipeline.data.sample import Sample, size_of
from pipeline.data.table import Table
from pipeline.params.messages import near
from pipeline.params.params import Params
from pipeline.params.prepare import DATED
from pipeline.shared import row_hashes, split, tables
from pipeline.shared.labels import Labels

MOMENT = "data.time: ISO 8601, such as 2024-01-31T09:30:00Z"


class Survey:
    """Takes in a table chunk by chunk by `add`. Once `finish` has returned, it holds what the split needs to know.

    Of each row, [rows]: `hashes` of its features, `target` (float64 of a regression, `labels` of a classification),
    `keys` (hashes of prepare.split.by), `in_holdout_file` (whether its file is the holdout), and `moments` where
    data.time orders the rows (numbers, or nanoseconds UTC). Of a sample of the rows: all values.
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.rows = 0
        self.sample = Sample(size_of(len(params.features)))
        self.names: list[str] = []
        self._time = params.time
        schema = (*params.features, *params.targets, *params.weights)
        names = {feature.name for feature in schema}
        self._schema = schema if self._time is None or self._time.name in names else (*schema, self._time)
        self._contract = Contract(self._schema, params.cells)
        self._parts: dict[str, list[np.ndarray]] = {"hashes": [], "target": [], "moments": [], "keys": [], "held": []}
        self._unique: dict[str, tuple[str, ...]] = {name: (name,) for name in params.unique}
        if params.prepare.contract.key:
            self._unique[", ".join(params.prepare.contract.key)] = params.prepare.contract.key
        self._codes: dict[Any, int] = {}
        self._starts: list[tuple[int, Table]] = []
        self._distinct = {
            feature.name: Distinct(feature) for feature in params.features if feature.whole or feature.dtype == "string"
        }

    @property
    def violations(self) -> list[Violation]:
        """What breaks the contract, so far."""
        return self._contract.violations

    @property
    def hashes(self) -> np.ndarray:
        """Hashes of the features of each row, [rows], uint64."""
        return self._whole("hashes")

    @property
    def target(self) -> np.ndarray:
        """The target of a regression or of several labels, float64, [rows] or [rows, targets]."""
        return self._whole("target")

    @property
    def labels(self) -> Labels:
        """The labels of a classification."""
        return Labels.of_codes(self._whole("target"), list(self._codes))

    @property
    def several(self) -> dict[str, Labels]:
        """The labels of a classification of several targets, by target."""
        codes, names = self._whole("target"), list(self._codes)
        return {
            target.name: Labels.of_codes(codes[:, place], names) for place, target in enumerate(self.params.targets)
        }

    @property
    def keys(self) -> np.ndarray:
        """Hashes of the columns in prepare.split.by, or of all features in a split by hash: [rows], uint64."""
        return self._whole("keys")

    @property
    def in_holdout_file(self) -> np.ndarray:
        """Whether the row stands in the file that prepare.split.path names, [rows]."""
        return self._whole("held")

    @property
    def moments(self) -> np.ndarray | None:
        """What orders the rows, [rows]; None without data.time."""
        return None if self._time is None else self._whole("moments")

    @property
    def dated(self) -> bool:
        """Whether `moments` are nanoseconds since 1970."""
        return self._time is not None and self._time.dtype in DATED

    def label(self, row: int) -> int | str:
        """The row number `row` (from 0, of the whole table) as a person counts it in its file."""
        first, table = next(start for start in reversed(self._starts) if start[0] <= row)
        return table.label(row - first)

    def ids(self) -> list[str]:
        """Features that name the rows."""
        return [name for name, distinct in self._distinct.items() if distinct.is_id(self.sample.columns[name])]

    def add(self, table: Table) -> None:
        """Check the next rows, and keep what is needed of them."""
        self.names = table.names
        self._starts.append((self.rows, replace(table, columns=pa.table({}))))
        before = len(self.violations)
        columns = self._contract.take(table)
        if self._time is not None and self._time.name in columns and not before:
            self._parts["moments"].append(self._moments(columns[self._time.name], table))
        if not self.violations:
            self._keep(table, columns)
        self.rows += table.columns.num_rows

    def _keep(self, table: Table, columns: Mapping[str, np.ndarray]) -> None:
        frame = tables.frame(self.params, columns)
        self._parts["hashes"].append(split.twin_hashes(frame))
        if self.params.model.task in ("regression", "multilabel"):
            each = [convert(target, columns[target.name]).astype(np.float64) for target in self.params.targets]
            self._parts["target"].append(each[0] if len(each) == 1 else np.column_stack(each))
        elif self.params.model.task == "multioutput":
            several = [self._coded(columns[target.name]) for target in self.params.targets]
            self._parts["target"].append(np.column_stack(several))
        else:
            self._parts["target"].append(self._coded(columns[self.params.target.name]))
        rule = self.params.prepare.split
        if rule.by:
            self._parts["keys"].append(self._split_keys(table, columns, rule.by))
        elif rule.method == "hash":
            self._parts["keys"].append(row_hashes.of(frames.columns(frame)))
        if rule.path is not None:
            self._parts["held"].append(np.full(len(frame), _within(rule.path, table.file)))
        for name, members in self._unique.items():
            hashed, present = self._hashed(table, columns, members)
            self._parts.setdefault(f"unique {name}", []).append(hashed)
            self._parts.setdefault(f"present {name}", []).append(present)
        for name, distinct in self._distinct.items():
            distinct.add(columns[name])
        sampled: dict[str, np.ndarray] = {str(name): frame[name].to_numpy() for name in frame.columns}
        self.sample.add(self.rows, sampled)

    def _coded(self, values: np.ndarray) -> np.ndarray:
        """The number of each class, [rows], in the order in which they came."""
        places, names = pd.factorize(values)
        codes = [self._codes.setdefault(name, len(self._codes)) for name in names.tolist()]
        return np.array(codes, dtype=np.int32)[places]

    def finish(self, again: Iterable[Table]) -> None:
        """Check what only the whole table shows; DataContractError (40) lists all that is wrong.

        `again` are the chunks once more, of which only a first repeated value is read.
        """
        if not self.violations:
            for violation in (*self._repeats(again), *totals.violations(self.params, self.rows, self.moments)):
                self._contract.add(violation)
        if self.violations:
            raise refused(self.violations)

    def _moments(self, values: np.ndarray, table: Table) -> np.ndarray:
        assert self._time is not None  # asked only then
        if not self.dated:
            without = Violation.of(self._time.name, "data.time: a row without it has no place", absent(values), values)
            if without is not None:
                self._contract.add(without, table)
            return values.astype(np.float64) if values.dtype == object else values
        from features import calendar  # here, because it loads scikit-learn, which nothing else needs

        parsed = calendar.parse(values)
        unread = np.asarray(parsed.isna()) & (~absent(values) | self._time.nullable)  # else it is reported already
        wrong = Violation.of(self._time.name, MOMENT, unread, values)
        if wrong is not None:
            self._contract.add(wrong, table)
        return parsed.tz_convert(None).to_numpy("datetime64[ns]").astype(np.int64)

    def _split_keys(self, table: Table, columns: Mapping[str, np.ndarray], members: tuple[str, ...]) -> np.ndarray:
        texts: dict[str, np.ndarray] = {}
        for name in members:
            values = np.asarray(_plain(table, columns, name, "prepare.split.by"))
            missing = absent(values)
            wrong = Violation.of(name, "prepare.split.by: a row without it has no side", missing, values)
            if wrong is not None:
                self._contract.add(wrong, table)
            texts[name] = np.array(
                [None if gone else str(value) for value, gone in zip(values.tolist(), missing, strict=True)],
                dtype=object,
            )
        return row_hashes.of(texts)

    def _hashed(
        self, table: Table, columns: Mapping[str, np.ndarray], members: tuple[str, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Hashes of the values of `members` together, and where they are all there, [rows] each."""
        values = {name: pd.Series(_plain(table, columns, name, "prepare.contract.key")) for name in members}
        frame = pd.DataFrame(values)
        present = np.asarray(frame.notna().all(axis=1))
        return np.asarray(pd.util.hash_pandas_object(frame, index=False, categorize=False).to_numpy()), present

    def _repeats(self, again: Iterable[Table]) -> list[Violation]:
        # Pandera looks for duplicates among hashes: 8 bytes a row, whatever the values are.
        hashed = {name: self._whole(f"unique {name}") for name in self._unique}
        present = {name: self._whole(f"present {name}") for name in self._unique}
        violations = []
        for column, members, places in totals.repeats(hashed, present, self._unique):
            unique = column in self.params.unique
            rule = "unique: true" if unique else "prepare.contract.key: no two rows alike"
            value = _value_at(again, int(places[0]), members)
            rows = tuple(self.label(int(place)) for place in places[:ROWS])
            violations.append(Violation(column, rule, len(places), rows, value))
        return violations

    def _whole(self, part: str) -> np.ndarray:
        parts = self._parts[part]
        if len(parts) > 1:  # joined once, and no second copy of them stays
            parts[:] = [np.concatenate(parts)]
        return parts[0]


def _within(path: str, file: str | None) -> bool:
    """Whether `file` of the folder is `path`, or stands in the folder of that name."""
    return file is not None and (file == path or file.startswith(path.rstrip("/") + "/"))


def _plain(table: Table, columns: Mapping[str, np.ndarray], name: str, setting: str) -> Any:
    if name in columns:
        return columns[name]
    if name not in table.names:
        raise DataContractError(f"{setting} names {name!r}, which is no column of the data{near(name, table.names)}")
    try:
        return np.array(table.columns.column(name).cast(pa.string()).to_pylist(), dtype=object)
    except pa.ArrowException as error:
        raise DataContractError(
            f"{setting} names {name!r}, whose values cannot be compared: {error}; use another column"
        ) from error


def _value_at(tables: Iterable[Table], row: int, members: tuple[str, ...]) -> Any:
    for table in tables:
        if row < table.columns.num_rows:
            values = tuple(table.columns.column(name)[row].as_py() for name in members)
            return values[0] if len(values) == 1 else values
        row -= table.columns.num_rows
    return None
