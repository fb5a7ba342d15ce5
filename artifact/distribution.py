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
            least, greatest = (reference[end] for end in ("min", "max"))
            ends = (-np.inf, np.inf) if least is None else (least, np.nextafter(greatest, np.inf))
            # What lies below the least, above the greatest, or behind infinity as NaN does, falls into places of its
            # own, so that one search says all.
            self._edges = np.array([ends[0], *reference["edges"], ends[1], np.inf], dtype=np.float64)
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
        elif self._boolean:
            self._add_booleans(values)
        else:
            self._add_categories(values)

    def _add_numbers(self, values: np.ndarray) -> None:
        numbers = values.astype(np.float64, copy=False)
        found = np.bincount(np.searchsorted(self._edges, numbers, side="right"), minlength=len(self._edges) + 1)
        below, *counts, above, missing = found.tolist()
        counts[0] += below
        counts[-1] += above
        self.counts += counts
        self.missing += missing
        self.out_of_range += below + above

    def _add_booleans(self, values: np.ndarray) -> None:
        true = int(np.count_nonzero(values == 1))
        false = int(np.count_nonzero(values == 0))
        self.missing += len(values) - true - false
        for value, count in ((True, true), (False, false)):
            if count:
                self._count(label_text(value), count)

    def _add_categories(self, values: np.ndarray) -> None:
        for value, count in _counted(values).items():
            if value is None or value != value:
                self.missing += count
                continue
            self._count(label_text(as_json(value)), count)

    def _count(self, text: str, count: int) -> None:
        place = self._places.get(text, len(self._places))
        self.counts[place] += count
        # Where training had values beyond its most frequent ones, nobody can tell them from new ones.
        if place == len(self._places) and not self.expected[place]:
            self.unseen += count


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
