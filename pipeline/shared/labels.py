"""The classes of the rows of a classification, in a few bytes a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Labels:
    """Classes of the rows: `codes` ([rows], int32) are indexes of `names`, which are in the order of their text."""

    codes: np.ndarray
    names: tuple[Any, ...]

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """From the values themselves, [rows]."""
        codes, names = pd.factorize(values)
        return cls.of_codes(codes.astype(np.int32), names.tolist())

    @classmethod
    def of_codes(cls, codes: np.ndarray, names: Sequence[Any]) -> Self:
        """From indexes of `names`, which may be in any order."""
        order = sorted(range(len(names)), key=lambda place: str(names[place]))
        place_of = np.empty(len(names), dtype=np.int32)
        place_of[order] = np.arange(len(names), dtype=np.int32)
        return cls(place_of[codes], tuple(names[place] for place in order))

    def counts(self, rows: np.ndarray) -> dict[Any, int]:
        """How many of `rows` each class has; without those that have none."""
        counts = np.bincount(self.codes[rows], minlength=len(self.names))
        return {name: int(count) for name, count in zip(self.names, counts, strict=True) if count}
