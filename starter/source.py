"""The table that a model starts from: one file, or one to train on and one that is held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from artifact.errors import DataContractError, UsageError
from pipeline.data import kinds, reader
from pipeline.data.conversion import absent
from pipeline.data.table import Table
from starter import schema_guess
from starter.schema_guess import Left

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Source:
    """`files`: where each file comes from, and its path in the repository. `tables` are the rows of each, in order."""

    files: tuple[tuple[Path, Path], ...]
    tables: tuple[Table, ...]

    @classmethod
    def read(cls, data: Path, test: Path | None, name: str) -> Self:
        """Read `data`, and the holdout `test` where there is one.

        UsageError (2) where there is no such file, DataContractError (40) where they are no tables, or have different
        columns.
        """
        for option, path in (("--data", data), ("--test", test)):
            if path is not None and not path.exists():
                raise UsageError(f"{option} {path} does not exist, seen from {Path.cwd()}: correct the path")
        if test is None:
            return cls(((data, Path("data") / f"{name}{_suffix(data)}"),), (reader.read(data),))
        folder = Path("data") / name
        files = tuple((path, folder / f"{part}{_suffix(path)}") for path, part in ((data, TRAIN), (test, TEST)))
        tables = tuple(replace(reader.read(path), file=target.name) for path, target in files)
        if set(tables[0].names) != set(tables[1].names) or _suffix(data) != _suffix(test):
            raise DataContractError(
                f"{data} and {test} are not alike: {tables[0].names} against {tables[1].names}; give both the same "
                "columns and the same kind of file"
            )
        return cls(files, tables)

    @property
    def path(self) -> Path:
        """data.path of params.yaml."""
        target = self.files[0][1]
        return target if len(self.files) == 1 else target.parent

    @property
    def whole(self) -> Table:
        """All rows as one table."""
        columns = pa.concat_tables([table.columns.select(self.tables[0].names) for table in self.tables])
        return Table(columns, self.tables[0].text)

    def with_target(self, target: str) -> tuple[Source, int]:
        """Without the rows that have no value in the column `target`, and how many those are."""
        column = schema_guess.guess(self.whole, target)
        if isinstance(column, Left):
            return self, 0
        missing = absent(column.values)
        if missing.all():
            raise DataContractError(f"the target {target!r} is missing in every row; name another column")
        return self._without(missing)

    def without_classes(self, target: str, fewest: int) -> tuple[Source, int]:
        """Without the rows of classes that have fewer than `fewest`, and how many those are."""
        column = schema_guess.guess(self.whole, target)
        if isinstance(column, Left):
            return self, 0
        _, places, counts = np.unique(column.values.astype(str), return_inverse=True, return_counts=True)
        return self._without(counts[places] < fewest)

    def _without(self, dropped: np.ndarray) -> tuple[Source, int]:
        tables, first = [], 0
        for table in self.tables:
            rows = np.flatnonzero(~dropped[first : first + table.columns.num_rows])
            first += table.columns.num_rows
            numbers = rows if table.numbers is None else table.numbers[rows]
            tables.append(replace(table, columns=table.columns.take(rows), numbers=numbers))
        return replace(self, tables=tuple(tables)), int(dropped.sum())


def _suffix(path: Path) -> str:
    return "" if path.is_dir() else kinds.ending(path.name) or path.suffix
