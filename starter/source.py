"""The table that a model starts from: one file, or one to train on and one that is held out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from artifact.errors import DataContractError, UsageError
from pipeline.data import kinds
from pipeline.data.conversion import absent
from pipeline.data.table import Table
from starter import schema_guess
from starter.column import Left
from starter.stored_table import StoredTable, together

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Source:
    """`files`: where each file comes from, and its path in the repository. `tables` are the rows of each, in order, of
    which those count where `mask` ([rows], None for all) holds.
    """

    files: tuple[tuple[Path, Path], ...]
    tables: tuple[StoredTable, ...]
    mask: np.ndarray | None = None

    @classmethod
    def read(cls, data: Path, test: Path | None, name: str, scratch: Path) -> Self:
        """The table `data`, and the holdout `test` where there is one; `scratch` is a folder for copies of them.

        UsageError (2) where there is no such file, DataContractError (40) where they are no tables, or have different
        columns.
        """
        for option, path in (("--data", data), ("--test", test)):
            if path is not None and not path.exists():
                raise UsageError(f"{option} {path} does not exist, seen from {Path.cwd()}: correct the path")
        if test is None:
            return cls(((data, Path("data") / f"{name}{_suffix(data)}"),), (StoredTable(data, scratch),))
        folder = Path("data") / name
        files = tuple((path, folder / f"{part}{_suffix(path)}") for path, part in ((data, TRAIN), (test, TEST)))
        tables = []
        for part, path in ((TRAIN, data), (TEST, test)):
            (scratch / part).mkdir()
            tables.append(StoredTable(path, scratch / part))
        if set(tables[0].names) != set(tables[1].names) or _suffix(data) != _suffix(test):
            raise DataContractError(
                f"{data} and {test} are not alike: {tables[0].names} against {tables[1].names}; give both the same "
                "columns and the same kind of file"
            )
        return cls(files, tuple(tables))

    @property
    def path(self) -> Path:
        """data.path of params.yaml."""
        target = self.files[0][1]
        return target if len(self.files) == 1 else target.parent

    @property
    def names(self) -> list[str]:
        """Names of the columns, in the order of the first file."""
        return self.tables[0].names

    @property
    def text(self) -> bool:
        """Whether the cells are text, as in a CSV."""
        return self.tables[0].text

    def column(self, name: str) -> pa.ChunkedArray:
        """All values of one column, as they stand in the files."""
        parts = [pa.table({name: table.column(name)}) for table in self.tables]
        column = together(self.files[0][0], parts).column(name)
        return column if self.mask is None else column.filter(pa.array(self.mask))

    def lots(self) -> Iterator[Table]:
        """The rows in their order, some at a time; each lot knows the numbers that its rows have in the file."""
        start = 0
        for table, (_, target) in zip(self.tables, self.files, strict=True):
            first, file = 0, None if len(self.files) == 1 else target.name
            for columns in table.lots():
                rows = columns.num_rows
                if self.mask is None:
                    yield Table(columns, table.text, first, file)
                else:
                    places = np.flatnonzero(self.mask[start + first : start + first + rows])
                    if len(places):
                        yield Table(columns.take(places), table.text, first, file, first + places)
                first += rows
            start += first

    def rows(self, numbers: np.ndarray) -> Table:
        """The rows with these numbers (from 0, ascending, of those that count) as one table."""
        parts, first = [], 0
        for lot in self.lots():
            low, high = np.searchsorted(numbers, [first, first + lot.columns.num_rows])
            if high > low:
                parts.append(lot.columns.take(numbers[low:high] - first).select(self.names))
            first += lot.columns.num_rows
        return Table(together(self.files[0][0], parts), self.text)

    def with_target(self, target: str) -> tuple[Source, int]:
        """Without the rows that have no value in the column `target`, and how many those are."""
        column = schema_guess.guess(self, target)
        if isinstance(column, Left):
            return self, 0
        missing = absent(column.values)
        if missing.all():
            raise DataContractError(f"the target {target!r} is missing in every row; name another column")
        return self._without(missing)

    def without_classes(self, target: str, fewest: int) -> tuple[Source, int]:
        """Without the rows of classes that have fewer than `fewest`, and how many those are."""
        column = schema_guess.guess(self, target)
        if isinstance(column, Left):
            return self, 0
        _, places, counts = np.unique(column.values.astype(str), return_inverse=True, return_counts=True)
        return self._without(counts[places] < fewest)

    def _without(self, dropped: np.ndarray) -> tuple[Source, int]:
        if not dropped.any():
            return self, 0
        mask = np.ones(sum(table.rows for table in self.tables), dtype=bool) if self.mask is None else self.mask.copy()
        mask[np.flatnonzero(mask)[dropped]] = False
        return replace(self, mask=mask), int(dropped.sum())


def _suffix(path: Path) -> str:
    return "" if path.is_dir() else kinds.ending(path.name) or path.suffix
