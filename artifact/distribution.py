"""Counts of live values in the bins of the reference profile, so that drift can be computed from the metrics alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from artifact.signature import as_json, label_text


class Distribution:
    """One feature, or the prediction, counted as `artifact.profile` counted it in training.

    `bins` names them, `expected` has the counts of training, `counts` those of live values; `missing`,
    `out_of_range` (a number below the least or above the greatest of training) and `unseen` (a category that training
    did not have) count beside them.
    """

    def __init__(self, reference: Mapping[str, Any], boolean: bool = False) -> None:
        self.numeric = reference["kind"] == "numeric"
        self._boolean = boolean
        self._places: dict[str, int] = {}
        if self.numeric:
            self._edges = np.asarray(reference["edges"], dtype=np.float64)
            self._least, self._greatest = reference["min"], reference["max"]
            self.bins = _intervals(reference["edges"])
            self.expected = list(reference["counts"])
        else:
            other = "(other)"
            while other in reference["counts"]:
                other += "'"
            self.bins = [*reference["counts"], other]
            self.expected = [*reference["counts"].values(), reference["other"]]
            self._places = {text: place for place, text in enumerate(self.bins[:-1])}
        self.counts = np.zeros(len(self.bins), dtype=np.int64)
        self.missing = self.out_of_range = self.unseen = 0

    def add(self, values: np.ndarray) -> None:
        """Count `values`, shape [rows]; NaN is a missing one."""
        if self.numeric:
            self._add_numbers(values)
        else:
            self._add_categories(values)

    def _add_numbers(self, values: np.ndarray) -> None:
        numbers = values.astype(np.float64, copy=False)
        present = numbers[numbers == numbers]
        self.missing += len(numbers) - len(present)
        places = np.searchsorted(self._edges, present, side="right")
        self.counts += np.bincount(places, minlength=len(self.counts))
        if self._least is not None:
            self.out_of_range += int(np.count_nonzero((present < self._least) | (present > self._greatest)))

    def _add_categories(self, values: np.ndarray) -> None:
        for value, count in Counter(values.tolist()).items():
            if value is None or value != value:
                self.missing += count
                continue
            text = label_text(bool(value) if self._boolean else as_json(value))
            place = self._places.get(text, len(self._places))
            self.counts[place] += count
            # Where training had values beyond its most frequent ones, nobody can tell them from new ones.
            if place == len(self._places) and not self.expected[place]:
                self.unseen += count


def _intervals(edges: list[float]) -> list[str]:
    """Names of the bins between `edges`: each edge belongs to the bin on its right."""
    ends = ["-inf", *(f"{edge!r}" for edge in edges), "inf"]
    return [f"{'(' if place == 0 else '['}{low},{high})" for place, (low, high) in enumerate(pairwise(ends))]
