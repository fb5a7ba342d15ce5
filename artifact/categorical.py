"""Columns of texts of which few differ: each text once, and a whole number for each row.

Whoever looks at texts one by one looks at a few in this form: drift counts numbers, an engine looks up each text once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class Categorical(NamedTuple):
    """Row r has `categories[codes[r]]`: a text, or NaN where it is missing. `codes`: intp, [rows].

    Columns of several requests may share one list of categories, which nobody changes; a text may be in it twice.
    """

    categories: Sequence[Any]
    codes: np.ndarray

    def texts(self) -> np.ndarray:
        """The column as an array of objects, [rows]."""
        texts: np.ndarray = np.array(self.categories, dtype=object)[self.codes]
        return texts


class CategoricalColumns(MutableMapping[str, np.ndarray]):
    """`artifact.prediction.Columns`, of which some are arrays only when somebody asks for them.

    Who has an array may write to it, so that a column is not `categorical` any more when its array was asked for.
    """

    def __init__(self, names: Sequence[str], arrays: dict[str, np.ndarray], texts: dict[str, Categorical]) -> None:
        """`names` of all columns, in their order, each of which is in `arrays` or in `texts`, which is not empty."""
        self._arrays: dict[str, Any] = dict.fromkeys(names) | arrays
        self._texts = texts
        self.rows = len(next(iter(texts.values())).codes)

    def categorical(self, name: str) -> Categorical | None:
        """One of the columns, if it has this form."""
        return self._texts.get(name)

    def __getitem__(self, name: str) -> np.ndarray:
        column = self._texts.get(name)
        if column is not None:
            self[name] = column.texts()
        array: np.ndarray = self._arrays[name]
        return array

    def __setitem__(self, name: str, array: np.ndarray) -> None:
        self._arrays[name] = array  # before the other form is gone: another thread may ask
        self._texts.pop(name, None)

    def __delitem__(self, name: str) -> None:
        del self._arrays[name]
        self._texts.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def categorical(columns: Mapping[str, np.ndarray], name: str) -> Categorical | None:
    """One of `columns`, if it has this form."""
    # Not isinstance, which looks for other classes that are such mappings, ten times as long.
    return columns.categorical(name) if type(columns) is CategoricalColumns else None


def joined(tables: Sequence[Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    """The rows of all `tables`, one behind the other; columns that are categorical in each of them stay so."""
    texts = {}
    if type(tables[0]) is CategoricalColumns:
        for name in tables[0]:
            columns = [column for table in tables if (column := categorical(table, name))]
            if len(columns) == len(tables):
                texts[name] = _joined(columns)
    names = list(tables[0])
    arrays = {name: np.concatenate([table[name] for table in tables]) for name in names if name not in texts}
    return CategoricalColumns(names, arrays, texts) if texts else arrays


def _joined(columns: Sequence[Categorical]) -> Categorical:
    categories, parts = columns[0].categories, [columns[0].codes]
    for column in columns[1:]:
        if column.categories is columns[0].categories:
            parts.append(column.codes)
        else:
            parts.append(column.codes + len(categories))
            categories = [*categories, *column.categories]
    return Categorical(categories, np.concatenate(parts))
