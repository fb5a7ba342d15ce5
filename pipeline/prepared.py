"""The prepared tables: what `prepare` writes, and what the stages after it read, by one pair of functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from artifact import frame as frames
from artifact.column import convert
from artifact.errors import DataContractError, InvalidRequest
from artifact.signature import Feature, Signature
from pipeline.params import Params

_TYPES = {"float64": pa.float64(), "int64": pa.int64(), "bool": pa.bool_(), "string": pa.string()}


_MOMENT = "\nmoment"  # no name of a feature: those are printable


def write(
    path: Path,
    params: Params,
    columns: Mapping[str, np.ndarray],
    rows: np.ndarray,
    moments: np.ndarray | None = None,
) -> None:
    """Write `rows` (numbers from 0) of the features and the target, in the types of the schema, to a Parquet file.

    `moments`, [rows of the table], is what orders them, for a split by time.
    """
    schema = (*params.features, params.target)
    arrays = [pa.array(columns[feature.name][rows], _TYPES[feature.dtype], from_pandas=True) for feature in schema]
    names = [feature.name for feature in schema]
    if moments is not None:
        arrays.append(pa.array(moments[rows]))
        names.append(_MOMENT)
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.table(arrays, names=names), path)


def moments(path: Path) -> np.ndarray:
    """What orders the rows of the file at `path`, [rows], written for a split by time."""
    found: np.ndarray = pyarrow.parquet.ParquetFile(path).read([_MOMENT]).column(_MOMENT).to_numpy()
    return found


def read(path: Path, params: Params) -> tuple[pd.DataFrame, np.ndarray]:
    """The features as `artifact.validation` gives them to a model ([rows, features]), and the target, [rows].

    The target is float64 for a regression; int64, bool or object (text) for a classification.
    """
    table = pyarrow.parquet.ParquetFile(path).read(use_threads=False)
    columns = {feature.name: _values(feature, table.column(feature.name)) for feature in params.features}
    columns[params.target.name] = _values(params.target, table.column(params.target.name))
    return frame(params, columns), target(params, columns)


def frame(params: Params, columns: Mapping[str, Any]) -> pd.DataFrame:
    """The features among `columns` as the frame a model takes; DataContractError (40) for what does not fit."""
    signature = Signature(params.model.task, params.features, ())
    try:
        given = {feature.name: columns[feature.name] for feature in params.features}
        return frames.of(signature, given)
    except InvalidRequest as error:
        raise DataContractError(
            f"the data does not match its schema: {error} (rows counted from 0); correct one of them"
        ) from error


def target(params: Params, columns: Mapping[str, Any]) -> np.ndarray:
    """The target among `columns` as estimators take it."""
    values = convert(params.target, columns[params.target.name])
    if params.model.task == "regression":
        return values.astype(np.float64)
    return values.astype(bool) if params.target.dtype == "bool" else values


def _values(feature: Feature, column: pa.ChunkedArray) -> Any:
    if feature.dtype in ("float64", "int64"):
        return column.to_numpy()
    return column.to_pylist()
