"""Live values of all features, counted together: a few array operations for all numbers, however many features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np

from artifact.distribution import Distribution
from artifact.prediction import Columns, rows
from artifact.signature import Signature

_CELLS = 1 << 16  # values looked at in one go: arrays of this size stay in the processor's cache


class Distributions:
    """The distributions of one signature's features, by name. `add` may be called from any thread.

    The counts of all numeric features are one table, of which each Distribution has a row.
    """

    def __init__(self, signature: Signature, references: Mapping[str, Any]) -> None:
        """`references`: a feature's part of the reference profile, by name."""
        self.features = {
            feature.name: Distribution(references[feature.name], feature.dtype == "bool")
            for feature in signature.inputs
        }
        self._numeric = [name for name, one in self.features.items() if one.numeric]
        self._others = [name for name, one in self.features.items() if not one.numeric]
        edges = [self.features[name].edges for name in self._numeric]
        self._edges = np.full((max(map(len, edges), default=0), len(edges), 1), np.inf)
        for place, own in enumerate(edges):
            self._edges[: len(own), place, 0] = own
        self._width = len(self._edges) + 2  # below all edges, behind each of them, and missing
        self._table = np.zeros((len(edges), self._width), dtype=np.int64)
        self._first = np.arange(len(edges))[:, np.newaxis] * self._width  # where a feature's row begins in it
        for place, name in enumerate(self._numeric):
            self.features[name].places = self._table[place]
        self._lock = Lock()

    def add(self, tables: Sequence[Columns]) -> None:
        """Count the values of `tables`, columns of [rows] by feature name; NaN is a missing value."""
        if self._numeric:
            step = max(1, _CELLS // len(self._numeric))
            short = [table for table in tables if rows(table) <= step]
            numbers = [_side_by_side([table[name] for name in self._numeric]) for table in short]
            together = np.concatenate(numbers, axis=1) if numbers else np.empty((0, 0))
            for start in range(0, together.shape[1], step):
                self._add_numbers(together[:, start : start + step])
            for table in tables:
                for start in range(0, rows(table), step) if rows(table) > step else ():
                    self._add_numbers(_side_by_side([table[name][start : start + step] for name in self._numeric]))
        for name in self._others:
            values = np.concatenate([table[name] for table in tables]) if len(tables) > 1 else tables[0][name]
            counted = self.features[name].counted(values)
            with self._lock:
                self.features[name].add_counted(counted)

    def _add_numbers(self, numbers: np.ndarray) -> None:
        """Count `numbers`, shape [features, rows]."""
        places = np.zeros(numbers.shape, dtype=np.intp)
        for edge in self._edges:
            places += numbers >= edge
        places[np.isnan(numbers)] = self._width - 1
        places += self._first
        counts = np.bincount(places.ravel(), minlength=self._table.size)
        with self._lock:
            self._table += counts.reshape(self._table.shape)


def _side_by_side(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Columns of [rows] as float64 of shape [columns, rows]."""
    flat: np.ndarray = np.concatenate(columns, dtype=np.float64, casting="unsafe")
    return flat.reshape(len(columns), -1)
