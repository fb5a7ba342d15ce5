"""Whether a column tells every row from every other, with a few bytes a row, and none once two rows agree."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from artifact.signature import Feature
from pipeline.data.conversion import absent

FEWEST = 20  # rows: in fewer, any column may differ by chance
MANY = 10_000  # rows: whole numbers that all differ in so many are drawn from a range that only names have
WORDS = 5  # in the mean: such text describes
NAME = re.compile(r"(^|[_\s.-])(id|uuid|guid|key|index|rowid|row)$|^unnamed|[a-z]I[dD]$", re.IGNORECASE)


class Distinct:
    """The values of one feature of whole numbers or text, a chunk after the other."""

    def __init__(self, feature: Feature) -> None:
        self._feature = feature
        self._hashes: list[np.ndarray] | None = []
        self._merged = self._rows = 0
        self._low, self._high = np.iinfo(np.int64).max, np.iinfo(np.int64).min

    def add(self, values: np.ndarray) -> None:
        """Consider `values`, [rows], as `pipeline.data.conversion` gives them."""
        if self._hashes is None:
            return
        if absent(values).any():
            self._hashes = None
            return
        self._rows += len(values)
        self._hashes.append(pd.util.hash_array(values, categorize=False))
        if self._feature.whole:
            self._low, self._high = min(self._low, int(values.min())), max(self._high, int(values.max()))
        if self._rows >= 2 * self._merged:  # each row is sorted a few times, whatever the number of chunks
            self._merge()

    def is_id(self, some: np.ndarray) -> bool:
        """Whether the column names the rows: all values differ, and they are numbers by name or by range, or words.

        `some` are values of it, by which text that describes is told from text that names.
        """
        self._merge()
        if self._hashes is None or self._rows < FEWEST:
            return False
        if self._feature.whole:
            consecutive = self._high - self._low < 2 * self._rows
            return consecutive or self._rows >= MANY or bool(NAME.search(self._feature.name))
        words = np.mean([len(text.split()) for text in some[:1000].tolist()])
        return bool(words < WORDS) and not _dates(some[:1000])

    def _merge(self) -> None:
        if self._hashes is None or not self._hashes:
            return
        merged = np.unique(np.concatenate(self._hashes))
        self._merged = self._rows
        self._hashes = [merged] if len(merged) == self._rows else None


def _dates(texts: np.ndarray) -> bool:
    if not all(len(text) >= 8 and text[:4].isdigit() for text in texts.tolist()):
        return False
    from features import calendar  # here, because it loads scikit-learn

    return not np.asarray(calendar.parse(texts).isna()).any()
