"""The columns of a pandas frame as a caller would send them: what a notebook has, judged by the rules of serving."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from artifact.errors import InvalidRequest
from artifact.feature import TIMES, Feature
from artifact.prediction import Prediction
from artifact.signature import Signature


def raw_columns(signature: Signature, frame: pd.DataFrame) -> dict[str, Any]:
    """The values of each feature, feature → [rows], among the columns of `frame`; its other columns are left alone.

    None, NaN, NaT and pandas.NA are one missing value; categories and nullable types become what they hold; times
    become ISO 8601 text. Raises InvalidRequest, which names the first feature that `frame` does not have.
    """
    missing = [name for name in signature.names if name not in frame.columns]
    if missing:
        raise InvalidRequest(
            f"the frame has no column {missing[0]!r}; the model takes {', '.join(signature.names[:8])}"
        )
    return {feature.name: _values(feature, frame[feature.name]) for feature in signature.inputs}


def answers(signature: Signature, prediction: Prediction, index: pd.Index) -> pd.DataFrame:
    """`prediction` as a frame with `index`: columns are `label` and `probability_<class>`, `prediction`, and so on."""
    columns: dict[str, np.ndarray] = {}
    for output in signature.outputs:
        array = prediction.array(output.name)
        columns |= zip(output.flat, [array] if array.ndim == 1 else array.T, strict=True)
    return pd.DataFrame(columns, index=index)


def _values(feature: Feature, series: pd.Series) -> Any:
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.cat.categories.dtype)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "fiub" and feature.dtype not in TIMES:
        return series.to_numpy()
    absent = series.isna().to_numpy()
    return [None if gap else _value(feature, value) for gap, value in zip(absent, series.tolist(), strict=True)]


def _value(feature: Feature, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "isoformat"):
        text: str = value.isoformat()
        return text[:10] if feature.dtype == "date" else text
    return value
