"""The features of a prepared table, read from its file a column, or a lot of rows, at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from artifact.prediction import Columns, lots, rows
from pipeline.params.params import Params
from pipeline.shared import tables

ROWS = 1 << 16  # of a lot: a table of no more is predicted in one call
_CELLS = 1 << 25  # of a lot of a table with many columns, which are 256 MiB of float64,
_FEWEST = 1000  # but no fewer rows than these
_MOST_CELLS = 1 << 22  # cells that are read, and kept, together: of a short table all, of a long one a column


class StoredColumns(Mapping[str, np.ndarray]):
    """Columns as an engine takes them (`artifact.prediction.Columns`), of which memory holds a part.

    `columns[name]` reads that column, with its neighbours where they are short; `lots` reads all columns of some rows.
    """

    def __init__(self, path: Path, params: Params) -> None:
        self._path, self._features = path, params.features
        self.rows = tables.count(path)
        self._order = {feature.name: place for place, feature in enumerate(params.features)}
        self._group: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        place = self._order[name]
        if name not in self._group:
            together = max(1, _MOST_CELLS // max(1, self.rows))
            first = place - place % together
            self._group = {}  # before the next is read
            self._group = tables.read_columns(self._path, self._features[first : first + together])
        return self._group[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._order)

    def lots(self) -> Iterator[Columns]:
        """The rows in their order, at most ROWS at a time."""
        if self.rows * len(self._order) <= _MOST_CELLS and self.rows <= ROWS:
            yield dict(self)
        else:
            yield from tables.lots(self._path, self._features, min(ROWS, max(_FEWEST, _CELLS // len(self._order))))


class SomeRows(Mapping[str, np.ndarray]):
    """Some rows of such columns, or of plain ones: those with the numbers `places`, ascending from 0."""

    def __init__(self, columns: Columns, places: np.ndarray) -> None:
        self._columns, self._places = columns, places

    def __getitem__(self, name: str) -> np.ndarray:
        values: np.ndarray = self._columns[name][self._places]
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def lots(self) -> Iterator[Columns]:
        """The rows in their order, a lot of `columns` at a time; a lot with none of the rows is skipped."""
        first = 0
        for lot in lots(self._columns):
            end = first + rows(lot)
            low, high = np.searchsorted(self._places, [first, end])
            if high > low:
                within = self._places[low:high] - first
                yield {name: values[within] for name, values in lot.items()}
            first = end


def beginning(columns: Columns, count: int) -> Columns:
    """The first `count` rows, or as many as there are."""
    return {name: values[:count] for name, values in next(lots(columns)).items()}
