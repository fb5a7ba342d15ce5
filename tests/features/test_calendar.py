"""Calendar parts of ISO 8601 text, and of times that the schema declares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from features.calendar import PARTS, CalendarFeatures, parse


def parts(values: list[object], **parameters: object) -> tuple[np.ndarray, list[str]]:
    result = CalendarFeatures(**parameters)  # type: ignore[arg-type]
    results = result.fit_transform(pd.DataFrame({"t": pd.Series(values, dtype=object)}))
    return results, result.get_feature_names_out().tolist()


def test_parts_are_those_of_the_moment_in_utc() -> None:
    """An offset is moved to UTC; without one the text is UTC."""
    result, names = parts(["2024-02-29T23:30:00-01:00", "2024-12-31"], parts=tuple(PARTS))
    assert names == [f"t_{part}" for part in PARTS]
    assert result.tolist() == [[2024, 3, 1, 4, 61, 0, 30], [2024, 12, 31, 1, 366, 0, 0]]


def test_seconds_are_the_moment_that_the_text_is() -> None:
    """A column declared datetime or date reaches the transformer as seconds, and gives the same parts."""
    texts = ["2024-02-29T23:30:00-01:00", "1969-12-31T23:59:59Z", None]
    seconds = pd.DataFrame({"t": [1709253000.0, -1.0, np.nan]})
    result = CalendarFeatures(tuple(PARTS)).fit_transform(seconds)
    assert np.array_equal(result, parts(list(texts), parts=tuple(PARTS))[0], equal_nan=True)


def test_a_missing_moment_reads_no_memory_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever number memory held before, a missing moment is missing, and the others are what they are."""

    def holding_large_numbers(shape: int, dtype: object = float) -> np.ndarray:
        return np.full(shape, 1e308 if np.dtype(dtype).kind == "f" else 0, dtype)

    with monkeypatch.context() as patch:
        patch.setattr(np, "empty", holding_large_numbers)
        moments = parse(np.array([0.0, np.nan, 86_400.0]))
    assert moments[[0, 2]].tolist() == [pd.Timestamp(0, tz="UTC"), pd.Timestamp("1970-01-02", tz="UTC")]
    assert moments.isna().tolist() == [False, True, False]


def test_what_is_no_date_is_missing() -> None:
    """None, NaN, other text, and words that a clock would change give NaN in every part."""
    result, _ = parts([None, np.nan, "never seen in training", "2024-02-30", "now", "today", "", "-1"])
    assert np.isnan(result).all()


def test_cyclic_parts_come_round() -> None:
    """December is as near to January as January to February; the year stays a number."""
    result, names = parts(["2023-12-01", "2024-01-01", "2024-02-01"], parts=("year", "month"), cyclic=True)
    assert names == ["t_year", "t_month_sin", "t_month_cos"]
    steps = np.linalg.norm(np.diff(result[:, 1:], axis=0), axis=1)
    assert steps[0] == pytest.approx(steps[1])
    assert np.isnan(parts([None], parts=("year", "month"), cyclic=True)[0]).all()


def test_rows_are_transformed_one_by_one() -> None:
    """Stateless: what came before, and what it was fitted on, changes nothing."""
    values = ["2024-05-01T10:00:00Z", None, "2021-01-31", "x", "2024-05-01 10:00"]
    together, _ = parts(values)
    fitted = CalendarFeatures().fit(pd.DataFrame({"t": ["2000-01-01"]}))
    alone = np.vstack([fitted.transform(pd.DataFrame({"t": pd.Series([value], dtype=object)})) for value in values])
    assert np.array_equal(together, alone, equal_nan=True)


def test_it_is_a_scikit_learn_transformer() -> None:
    """It clones, checks its parameters at fit, and names its columns when it gets an array."""
    result = clone(CalendarFeatures(parts=["hour"], cyclic=True))
    result.fit(np.array([["2024-01-01"]], dtype=object))
    assert result.get_feature_names_out().tolist() == ["x0_hour_sin", "x0_hour_cos"]
    with pytest.raises(ValueError, match="use one or more of year"):
        CalendarFeatures(parts=["hours"]).fit(pd.DataFrame({"t": ["2024-01-01"]}))
    assert parse([]).size == 0
