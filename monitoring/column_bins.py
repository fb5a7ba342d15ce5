"""One input, or the answers, as bins with the reference's count of each: the streams of the drift test, from values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from monitoring.input_counts import MISSING, OUTSIDE, UNSEEN, Stream

_QUANTILES = 20
_TOP = 50
_OTHER = "(other)"


@dataclass(frozen=True)
class ColumnBins:
    """`names` of the bins and the reference's `counts` of each; `missing` of its `rows` are in none.

    Numbers: `edges` within, and the `least` and `greatest` value. Categories: `values`, each a bin, and all others.
    """

    feature: str
    names: tuple[str, ...]
    counts: np.ndarray
    missing: int
    edges: np.ndarray | None = None
    ends: tuple[float, float] = (-np.inf, np.inf)
    values: Mapping[str, int] | None = None

    @classmethod
    def of(cls, feature: str, reference: np.ndarray, numeric: bool) -> ColumnBins:
        """By exact quantiles of `reference`, [rows]: numbers with NaN for missing, or texts with None."""
        if numeric:
            present = reference[~np.isnan(reference)]
            if not len(present):
                return cls._numbers(feature, [], np.zeros(1), (-np.inf, np.inf), len(reference))
            levels = np.linspace(0, 1, _QUANTILES + 1)[1:-1]
            edges = np.unique(np.quantile(present, levels, method="lower")).tolist()
            counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
            ends = float(present.min()), float(present.max())
            return cls._numbers(feature, edges, counts, ends, len(reference) - len(present))
        import pandas as pd  # here, so that --help loads no pandas

        occurrences = pd.Series(reference, dtype=object).value_counts()
        other = int(occurrences.iloc[_TOP:].sum())
        return cls._categories(feature, dict(occurrences.iloc[:_TOP]), other, len(reference) - int(occurrences.sum()))

    @classmethod
    def of_profile(cls, feature: str, summary: Mapping[str, Any]) -> ColumnBins:
        """As the reference profile of the artifact has them."""
        if summary["kind"] == "numeric":
            ends = (-np.inf, np.inf) if summary["min"] is None else (summary["min"], summary["max"])
            return cls._numbers(feature, summary["edges"], np.array(summary["counts"]), ends, summary["missing"])
        return cls._categories(feature, summary["counts"], summary["other"], summary["missing"])

    @classmethod
    def _numbers(
        cls, feature: str, edges: list[float], counts: np.ndarray, ends: tuple[float, float], missing: int
    ) -> ColumnBins:
        limits = ["-inf", *(f"{edge:.6g}" for edge in edges), "inf"]
        names = tuple(f"[{low},{high})" for low, high in pairwise(limits))
        return cls(feature, names, counts, missing, edges=np.array(edges, dtype=np.float64), ends=ends)

    @classmethod
    def _categories(cls, feature: str, counts: Mapping[str, int], other: int, missing: int) -> ColumnBins:
        names = (*counts, _OTHER)
        places = {name: place for place, name in enumerate(counts)}
        return cls(feature, names, np.array([*counts.values(), other]), missing, values=places)

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return self.values is None

    def places(self, column: np.ndarray) -> np.ndarray:
        """Which bin each value is in, [rows]; -1 for a missing one."""
        if self.values is None:
            assert self.edges is not None
            return np.where(np.isnan(column), -1, np.searchsorted(self.edges, column, side="right"))
        values = self.values
        return np.array([-1 if value is None else values.get(value, len(values)) for value in column], dtype=np.int64)

    def streams(self) -> list[tuple[Stream, float, float]]:
        """Each stream with its count in the reference and of how many rows."""
        present = float(self.counts.sum())
        rows = present + self.missing
        listed = [
            (Stream(self.feature, name), float(n), present) for name, n in zip(self.names, self.counts, strict=True)
        ]
        listed.append((Stream(self.feature, MISSING), float(self.missing), rows))
        if self.numeric:
            listed.append((Stream(self.feature, OUTSIDE), 0.0, rows))
        elif not self.counts[-1]:
            listed.append((Stream(self.feature, UNSEEN), 0.0, rows))
        return [stream for stream in listed if stream[2] > 0]

    def live(self, column: np.ndarray, interval: np.ndarray, intervals: int) -> dict[Stream, np.ndarray]:
        """How many values of `column` are in each stream in each interval; `interval`: that of each value, [rows]."""
        places = self.places(column)
        chosen = {Stream(self.feature, name): places == place for place, name in enumerate(self.names)}
        chosen[Stream(self.feature, MISSING)] = places == -1
        if self.numeric:
            chosen[Stream(self.feature, OUTSIDE)] = (column < self.ends[0]) | (column > self.ends[1])
        elif not self.counts[-1]:
            chosen[Stream(self.feature, UNSEEN)] = places == len(self.names) - 1
        return {
            stream: np.bincount(interval[there], minlength=intervals).astype(np.float64)
            for stream, there in chosen.items()
        }
