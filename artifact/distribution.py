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

    `edges` are the ends of the bins of a number, in order. `places` counts the numbers below all edges, behind each of
    them, and, at its end, the missing ones; of a category it counts those of each bin, and the missing ones.
    """

    def __init__(self, reference: Mapping[str, Any], boolean: bool = False) -> None:
        self.numeric = reference["kind"] == "numeric"
        self.unseen = 0
        self._boolean = boolean
        self._bin_of: dict[str, int] = {}
        self.edges = np.empty(0)
        if self.numeric:
            least, greatest = (reference[end] for end in ("min", "max"))
            ends = (-np.inf, np.inf) if least is None else (least, np.nextafter(greatest, np.inf))
            self.edges = np.array([ends[0], *reference["edges"], ends[1]], dtype=np.float64)
            self.bins = _intervals(reference["edges"])
            self.expected = list(reference["counts"])
        else:
            other = "(other)"
            while other in reference["counts"]:
                other += "'"
            self.bins = [*reference["counts"], other]
            self.expected = [*reference["counts"].values(), reference["other"]]
            self._bin_of = {text: place for place, text in enumerate(self.bins[:-1])}
        self.places = np.zeros(len(self.edges) + 2 if self.numeric else len(self.bins) + 1, dtype=np.int64)

    @property
    def counts(self) -> np.ndarray:
        """Live values in each of `bins`; those out of range are in the first and the last of them."""
        if not self.numeric:
            return self.places[:-1]
        counts = self.places[1 : len(self.bins) + 1].copy()
        counts[0] += self.places[0]
        counts[-1] += self._above
        return counts

    @property
    def missing(self) -> int:
        """Live values that are missing."""
        return int(self.places[-1])

    @property
    def out_of_range(self) -> int:
        """Live numbers outside the range of training."""
        return int(self.places[0] + self._above) if self.numeric else 0

    @property
    def _above(self) -> int:
        return int(self.places[len(self.bins) + 1])

    def add(self, values: np.ndarray) -> None:
        """Count `values`, shape [rows]; NaN is a missing one."""
        if self.numeric:
            numbers = values.astype(np.float64, copy=False)
            places = np.searchsorted(self.edges, numbers, side="right")
            places[np.isnan(numbers)] = len(self.places) - 1
            self.places += np.bincount(places, minlength=len(self.places))
        else:
            self.add_counted(self.counted(values))

    def counted(self, values: np.ndarray) -> list[tuple[int, int]]:
        """Of the categories in `values`, shape [rows]: how many there are in which place of `places`."""
        if self._boolean:
            true, false = (int(np.count_nonzero(values == value)) for value in (1, 0))
            found: Mapping[Any, int] = {True: true, False: false, None: len(values) - true - false}
        else:
            found = _counted(values)
        return [(self._place(value), count) for value, count in found.items() if count]

    def add_counted(self, counted: list[tuple[int, int]]) -> None:
        """Add what `counted` gave."""
        other = len(self.bins) - 1
        for place, count in counted:
            self.places[place] += count
            # Where training had values beyond its most frequent ones, nobody can tell them from new ones.
            if place == other and not self.expected[other]:
                self.unseen += count

    def _place(self, value: Any) -> int:
        if value is None or value != value:
            return len(self.bins)
        return self._bin_of.get(label_text(as_json(value)), len(self.bins) - 1)


def _counted(values: np.ndarray) -> Mapping[Any, int]:
    """How often each of `values` occurs."""
    if values.dtype.kind == "i" and len(values):
        least, greatest = int(values.min()), int(values.max())
        if greatest - least < len(values):  # labels are few: no Python object for each row
            found = np.bincount(values - least)
            return {least + place: int(found[place]) for place in np.flatnonzero(found).tolist()}
    return Counter(values.tolist())


def _intervals(edges: list[float]) -> list[str]:
    """Names of the bins between `edges`: each edge belongs to the bin on its right."""
    ends = ["-inf", *(f"{edge!r}" for edge in edges), "inf"]
    return [f"{'(' if place == 0 else '['}{low},{high})" for place, (low, high) in enumerate(pairwise(ends))]
