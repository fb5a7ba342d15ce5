"""Calendar parts of times, written as ISO 8601 text or declared as datetime, as numbers an estimator can use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

# Part → the length of its cycle, in its own unit; None: it never comes round again.
PARTS: dict[str, float | None] = {
    "year": None,
    "month": 12.0,
    "day": 31.0,
    "day_of_week": 7.0,
    "day_of_year": 366.0,
    "hour": 24.0,
    "minute": 60.0,
}


class CalendarFeatures(TransformerMixin, BaseEstimator):
    """Turn columns of ISO 8601 text, or of dtype datetime or date, into calendar parts.

    Stateless: each row is transformed by itself, so that training, batch and online agree whatever came before.
    Text with an offset is moved to UTC; text without one is read as UTC. A missing value, and text that is no date,
    gives NaN in every part: follow this step with an imputer, or with an estimator that takes missing values.

    Parameters
    ----------
    parts : names of PARTS, in the order of the output: month and day count from 1, day_of_week from 0 (Monday).
    cyclic : replace each part that comes round again by its sine and cosine, so that December lies beside January.
    """

    def __init__(self, parts: Sequence[str] = ("month", "day_of_week", "hour"), cyclic: bool = False) -> None:
        self.parts = parts
        self.cyclic = cyclic

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and remember the column names; X has the shape [rows, columns]."""
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not len(self.parts):
            raise ValueError(f"parts {list(self.parts)!r}: use one or more of {', '.join(PARTS)}")
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """float64 of shape [rows, columns × parts], columns first, in the order of get_feature_names_out."""
        check_is_fitted(self, "n_features_in_")
        validate_data(self, X, reset=False, skip_check_array=True)
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X, dtype=object))
        made = [values for name in frame.columns for values in self._parts_of(parse(frame[name]))]
        return np.column_stack(made) if made else np.empty((len(frame), 0))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """`<column>_<part>`, or `<column>_<part>_sin` and `_cos`."""
        check_is_fitted(self, "n_features_in_")
        columns = input_features if input_features is not None else getattr(self, "feature_names_in_", None)
        if columns is None:
            columns = [f"x{index}" for index in range(self.n_features_in_)]
        names = [f"{column}_{name}" for column in columns for name in self._names()]
        return np.asarray(names, dtype=object)

    def _names(self) -> list[str]:
        names: list[str] = []
        for part in self.parts:
            names += [f"{part}_sin", f"{part}_cos"] if self._turns(part) else [part]
        return names

    def _turns(self, part: str) -> bool:
        return bool(self.cyclic) and PARTS[part] is not None

    def _parts_of(self, moments: pd.DatetimeIndex) -> list[np.ndarray]:
        made: list[np.ndarray] = []
        for part in self.parts:
            values = np.asarray(getattr(moments, part), dtype=np.float64)
            if self._turns(part):
                angle = values * (2.0 * np.pi / (PARTS[part] or 1.0))
                made += [np.sin(angle), np.cos(angle)]
            else:
                made.append(values)
        return made


def parse(texts: Any) -> pd.DatetimeIndex:
    """Moments in UTC of ISO 8601 texts, or of float64 seconds since 1970, [rows], in the years 1678 to 2261.

    NaT for a missing value and for text that is no such date.
    """
    if getattr(texts, "dtype", None) == np.float64:  # a datetime or date of the schema: seconds since 1970 UTC
        seconds = np.asarray(texts)
        # Of a NaN, pandas 2.3 rounds a number that it never set, which may be too large.
        known = np.where(np.isnan(seconds), 0.0, seconds)
        moments = pd.DatetimeIndex(pd.to_datetime(known, unit="s", utc=True, errors="coerce"))
        return pd.DatetimeIndex(moments.where(~np.isnan(seconds)))
    series = pd.Series(texts, dtype=object)
    # pandas also takes words ("now", "today") whose meaning would change from one call to the next.
    dates = series.where(series.astype(str).str.match(r"\d{4}"))
    return pd.DatetimeIndex(pd.to_datetime(dates, format="ISO8601", utc=True, errors="coerce"))
