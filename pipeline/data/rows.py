"""The rows of the table that count: without those that params.yaml leaves out for their target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from artifact.signature import label_text
from pipeline.data import contract, reader
from pipeline.data.conversion import absent
from pipeline.data.table import Table
from pipeline.params.params import Params

MISSING = "without a target"


class Rows:
    """The table at data.path of `params`. `left_out` says how many rows are left out, and why, once `chunks` ended."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._path = Path(params.data.path)
        self._rare: frozenset[Any] | None = None
        self.left_out: Counter[str] = Counter()

    def chunks(self) -> Iterator[Table]:
        """The rows in their order, a chunk at a time; each knows the numbers that its rows have in the file.

        DataContractError (40) where it is no table.
        """
        data = self._params.data
        if not data.drop_missing_target and data.min_class_rows == 1:
            yield from reader.chunks(self._path)
            return
        if self._rare is None:
            self._rare = self._rare_classes()
        self.left_out.clear()
        for chunk in reader.chunks(self._path):
            yield self._without_left_out(chunk)

    def _without_left_out(self, chunk: Table) -> Table:
        values = self._target(chunk)
        if values is None:
            return chunk
        missing = self._missing(chunk, values) & self._params.data.drop_missing_target
        rare = np.array([value in (self._rare or ()) for value in values.tolist()], dtype=bool)
        for value in values[rare].tolist():
            self.left_out[f"of the class {label_text(value)!r}"] += 1
        self.left_out[MISSING] += int(missing.sum())
        rows = np.flatnonzero(~missing & ~rare)
        numbers = chunk.first + rows
        return replace(chunk, columns=chunk.columns.take(rows), numbers=numbers)

    def _missing(self, chunk: Table, values: np.ndarray) -> np.ndarray:
        """Which rows lack a target, [rows]; `values` are those of the first target."""
        missing = absent(values)
        columns, _ = contract.convert(chunk, self._params.targets[1:], self._params.cells)
        for others in columns.values():
            missing |= absent(others)
        return missing

    def _rare_classes(self) -> frozenset[Any]:
        fewest = self._params.data.min_class_rows
        if fewest == 1:
            return frozenset()
        counts: Counter[Any] = Counter()
        for chunk in reader.chunks(self._path):
            values = self._target(chunk)
            if values is not None:
                counts.update(values[~absent(values)].tolist())
        return frozenset(value for value, count in counts.items() if count < fewest)

    def _target(self, chunk: Table) -> np.ndarray | None:
        """The target as its dtype; None where the chunk has no such column, which the contract then says."""
        target = self._params.target
        columns, _ = contract.convert(chunk, [target], self._params.cells)
        return columns.get(target.name)
