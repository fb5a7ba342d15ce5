"""The texts that are frequent in one feature, by which a column of them becomes categorical without a look at each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from artifact.categorical import Categorical
from artifact.feature import is_unicode
from artifact.validation.utf8_texts import Utf8Codes, Utf8Texts

_MANY = 8  # one unknown text in so many: looking at each costs as much as at all of them
_UNKNOWN = -1


class _Codes(dict[Any, int]):
    """The place of each text in the vocabulary."""

    def __missing__(self, text: Any) -> int:
        return _UNKNOWN


class Vocabulary:
    """Frequent texts of a feature, and what else a value of it may be."""

    def __init__(self, texts: Iterable[str], nullable: bool, categories: frozenset[Any] | None) -> None:
        """`categories`: all texts that there may be, where they are known."""
        right = [text for text in texts if is_unicode(text) and (categories is None or text in categories)]
        self._allowed = categories
        self._categories: list[Any] = [*dict.fromkeys(right)]
        self._codes = _Codes({text: code for code, text in enumerate(self._categories)})
        self._utf8_codes = Utf8Codes(self._categories)
        if nullable:
            self._codes[None] = len(self._categories)
            self._categories.append(np.nan)

    def categorical(self, values: Sequence[Any]) -> Categorical | None:
        """`values`, of JSON; None where one of them does not fit, or where many are not in the vocabulary."""
        if type(values) is Utf8Texts:
            return self._complete(self._utf8_codes.of(values), values)
        try:
            codes = np.fromiter(map(self._codes.__getitem__, values), np.intp, len(values))
        except TypeError:  # a list or an object
            return None
        return self._complete(codes, values)

    def _complete(self, codes: np.ndarray, values: Sequence[Any]) -> Categorical | None:
        """The column of `codes`, with a code for each text of `values` that is not in the vocabulary."""
        if codes.min() >= 0:
            return Categorical(self._categories, codes)
        rows = np.flatnonzero(codes < 0)
        if len(rows) * _MANY > len(codes):
            return None
        others: dict[str, int] = {}
        for row in rows.tolist():
            text = values[row]
            if type(text) is not str or not is_unicode(text):
                return None
            if self._allowed is not None and text not in self._allowed:
                return None
            codes[row] = others.setdefault(text, len(self._categories) + len(others))
        return Categorical([*self._categories, *others], codes)
