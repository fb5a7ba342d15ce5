"""Which input each column behind the preprocessing is made of: what a category adds goes back to its column."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer

from artifact.explanation.explanation import NotApplicable

# Names that no column has stand for the inputs while a transformer says what it makes of them.
_PLACE = re.compile("\x02(\\d+)\x03")
_CONSTANT = "1"  # PolynomialFeatures' bias: the same for every row, it adds nothing


def of(before: Sequence[Any], names: Sequence[str]) -> np.ndarray:
    """The place of an input for each column behind the transformers `before`, [columns].

    NotApplicable for a column that is made of several inputs.
    """
    places = list(range(len(names)))
    for transformer in before:
        places = _behind(transformer, places, names)
    return np.array(places, dtype=np.int64)


def _behind(transformer: Any, places: list[int], names: Sequence[str]) -> list[int]:
    if not isinstance(transformer, ColumnTransformer):
        return _traced(transformer, places, names)
    columns = list(transformer.feature_names_in_) if hasattr(transformer, "feature_names_in_") else None
    behind: list[int] = []
    for name, part, chosen in transformer.transformers_:
        width = transformer.output_indices_[name]
        if isinstance(part, str) and part == "drop":
            continue
        some = [places[place] for place in _chosen(chosen, columns, len(places))]
        if len(set(some)) == 1:
            behind += some[:1] * (width.stop - width.start)
        else:
            behind += some if isinstance(part, str) else _traced(part, some, names)
    return behind


def _chosen(chosen: Any, columns: list[Any] | None, count: int) -> list[int]:
    """Places of the columns that a ColumnTransformer hands to one of its parts."""
    if isinstance(chosen, slice):
        return list(range(count))[chosen]
    array = np.atleast_1d(np.asarray(chosen))
    if array.dtype == bool:
        return np.flatnonzero(array).tolist()
    if array.dtype.kind in "iu":
        return [int(place) for place in array]
    if columns is None:
        raise NotApplicable("a ColumnTransformer that chooses columns by names that it was not fitted with")
    return [columns.index(name) for name in array.tolist()]


def _traced(transformer: Any, places: list[int], names: Sequence[str]) -> list[int]:
    standing = np.array([f"\x02{place}\x03" for place in range(len(places))], dtype=object)
    kind = type(transformer).__name__
    try:
        outputs = _nameless(copy.deepcopy(transformer)).get_feature_names_out(standing)
    except Exception as error:
        raise NotApplicable(f"{kind} does not say which columns it makes of which ({error!s:.100})") from error
    traced = []
    for name in outputs:
        stands = {places[int(place)] for place in _PLACE.findall(str(name))}
        if len(stands) > 1 or (not stands and name != _CONSTANT):
            several = sorted(stands) or sorted(set(places))
            mixed = ", ".join(names[place] for place in several[:4]) + (", …" if len(several) > 4 else "")
            raise NotApplicable(f"a transformer mixes {mixed} into one column; only a column of one input has a share")
        traced.append(stands.pop() if stands else places[0])
    return traced


def _nameless(value: Any) -> Any:
    """`value` without the names it was fitted with, which would have to be those that it is asked with."""
    if isinstance(value, BaseEstimator):
        vars(value).pop("feature_names_in_", None)
        for part in list(vars(value).values()):
            _nameless(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _nameless(part)
    return value
