"""Columns as the pandas frame that scikit-learn's transformers select their columns from by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from artifact.prediction import Columns
from artifact.signature import Signature
from artifact.validation.table import RawColumns
from artifact.validation.validator import Validator


def of(signature: Signature, raw: RawColumns) -> pd.DataFrame:
    """`raw` (feature → [rows] values) validated, as a frame [rows, features] in the signature's order.

    Raises InvalidRequest, with the feature and the row (from 0), for what serving would refuse.
    """
    return from_columns(signature, Validator(signature).columns(raw))


def of_rows(signature: Signature, rows: Sequence[Any]) -> pd.DataFrame:
    """As `of`, [rows, features], from rows: each a list in the signature's order, or an object by feature name."""
    return from_columns(signature, Validator(signature).columns_of_rows(rows))


def from_columns(signature: Signature, columns: Columns) -> pd.DataFrame:
    """Columns that `artifact.validation` made, as a frame of copies: a transformer may write into them, and drift and
    the logs count what is in `columns`.
    """
    return pd.DataFrame({name: columns[name] for name in signature.names}, copy=True)


def columns(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns of such a frame, as an engine takes them."""
    return {str(name): values.to_numpy() for name, values in table.items()}
