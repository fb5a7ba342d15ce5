"""The prepared tables: what `prepare` writes, and what the stages after it read, by one pair of functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from artifact.errors import DataContractError, InvalidRequest
from artifact.signature import TIMES, Feature, Signature
from artifact.validation.column import convert
from artifact.validation.validator import Validator
from pipeline.params.params import Params
from pipeline.shared.texts import texts

_ROWS = 1 << 16  # checked and converted at once
_TYPES = {
    "float64": pa.float64(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    **dict.fromkeys(TIMES, pa.float64()),  # seconds since 1970 UTC
}
_MOMENT, _UNIT = "\nmoment", "\nunit"  # no names of features: those are printable


class Writer:
    """Writes a Parquet file of the features and the target, in the types of the schema, a group of rows at a time.

    The file appears at `path` with `commit`; one that is never committed is removed. Of the rows of the file, [rows]:
    `moments` are what orders them, for a split by time, and rows of one of `units` stay in one fold.
    """

    def __init__(
        self, path: Path, params: Params, moments: np.ndarray | None = None, units: np.ndarray | None = None
    ) -> None:
        self._path, self._partial = path, path.with_name(path.name + ".partial")
        self._schema = (*params.features, *params.targets, *params.weights)
        self._types = pa.schema([(feature.name, _TYPES[feature.dtype]) for feature in self._schema])
        of_rows = {_MOMENT: moments, _UNIT: units}
        self._of_rows = {name: values for name, values in of_rows.items() if values is not None}
        self._position = 0
        for name, values in self._of_rows.items():
            self._types = self._types.append(pa.field(name, pa.from_numpy_dtype(values.dtype)))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pyarrow.parquet.ParquetWriter(self._partial, self._types)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
        self._partial.unlink(missing_ok=True)

    def add(self, columns: Mapping[str, np.ndarray], rows: np.ndarray) -> None:
        """Add `rows` (numbers from 0) of `columns`."""
        arrays = [
            pa.array(columns[feature.name][rows], _TYPES[feature.dtype], from_pandas=True) for feature in self._schema
        ]
        for values in self._of_rows.values():
            arrays.append(pa.array(values[self._position : self._position + len(rows)]))
        self._position += len(rows)
        if len(rows):
            self._writer.write_table(pa.table(arrays, schema=self._types))

    def commit(self) -> None:
        """Give the file its name."""
        self._writer.close()
        self._partial.replace(self._path)


def moments(path: Path) -> np.ndarray:
    """What orders the rows of the file at `path`, [rows], written for a split by time."""
    return _of_rows(path, _MOMENT)


def units(path: Path) -> np.ndarray:
    """Numbers by which rows of the file at `path` stay together, [rows]."""
    return _of_rows(path, _UNIT)


def read(path: Path, params: Params) -> tuple[pd.DataFrame, np.ndarray]:
    """The features as `artifact.validation` gives them to a model ([rows, features]), and the target, [rows].

    The target is float64 for a regression; int64, bool or object (text) for a classification; 0 or 1 for labels;
    [rows, targets] where there are several. Read by groups of rows: beside what is returned, memory holds one of them.
    """
    columns = read_columns(path, params.features)
    names = [feature.name for feature in params.features]
    return pd.DataFrame(columns, columns=names, copy=False), read_target(path, params)


def count(path: Path) -> int:
    """How many rows the file has."""
    with pyarrow.parquet.ParquetFile(path) as file:
        rows: int = file.metadata.num_rows
    return rows


def read_columns(path: Path, features: Sequence[Feature]) -> dict[str, np.ndarray]:
    """Some of the features, [rows] each, as `artifact.validation` gives them to a model."""
    columns: dict[str, np.ndarray] = {}
    first = 0
    for rows, part in _batches(path, features):
        some = _of_arrow(features, part)
        if first == 0:
            columns = {name: np.empty(rows, dtype=values.dtype) for name, values in some.items()}
        for name, values in some.items():
            columns[name][first : first + part.num_rows] = values
        first += part.num_rows
    return columns


def read_target(path: Path, params: Params) -> np.ndarray:
    """The target alone, as `read` gives it."""
    parts = []
    for _, part in _batches(path, params.targets):
        parts.append(
            target(params, {feature.name: _values(feature, part.column(feature.name)) for feature in params.targets})
        )
    return np.concatenate(parts)


def lots(path: Path, features: Sequence[Feature], rows: int) -> Iterator[dict[str, np.ndarray]]:
    """The features of `rows` rows at a time, in the order of the file; the last lot has what is left."""
    waiting: list[pa.Table] = []
    count = 0
    for _, part in _batches(path, features, min(rows, _ROWS)):
        waiting.append(part)
        count += part.num_rows
        while count >= rows:
            whole = pa.concat_tables(waiting)
            yield _of_arrow(features, whole.slice(0, rows))
            waiting, count = [whole.slice(rows)], count - rows
    if count:
        yield _of_arrow(features, pa.concat_tables(waiting))


def weights(path: Path, params: Params) -> np.ndarray | None:
    """How much each row of the file at `path` counts, [rows], float64; None where all count alike."""
    if params.data.weight is None:
        return None
    column: np.ndarray = pyarrow.parquet.ParquetFile(path).read([params.data.weight]).column(0).to_numpy()
    return column.astype(np.float64)


def frame(params: Params, columns: Mapping[str, Any]) -> pd.DataFrame:
    """The features among `columns` as the frame a model takes; DataContractError (40) for what does not fit."""
    names = [feature.name for feature in params.features]
    return pd.DataFrame(_checked(params.features, columns), columns=names, copy=False)


def target(params: Params, columns: Mapping[str, Any]) -> np.ndarray:
    """The target among `columns` as estimators take it, [rows], or [rows, targets] of several."""
    each = [convert(target, columns[target.name]) for target in params.targets]
    values = each[0] if len(each) == 1 else np.stack(each, axis=1)
    if params.model.task == "regression":
        return values.astype(np.float64)
    if params.model.task == "multilabel":
        return values.astype(np.int64)  # RidgeClassifier takes booleans for another form of several labels
    return values.astype(bool) if params.target.dtype == "bool" else values


def _batches(path: Path, columns: Sequence[Feature], most: int = _ROWS) -> Iterator[tuple[int, pa.Table]]:
    """How many rows the file has, and `columns` of at most `most` rows at a time, in their order."""
    with pyarrow.parquet.ParquetFile(path, pre_buffer=False) as file:
        names = [feature.name for feature in columns]
        for batch in file.iter_batches(batch_size=most, columns=names, use_threads=False):
            yield file.metadata.num_rows, pa.Table.from_batches([batch])


def _of_arrow(features: Sequence[Feature], table: pa.Table) -> dict[str, np.ndarray]:
    return _checked(features, {feature.name: _values(feature, table.column(feature.name)) for feature in features})


def _checked(features: Sequence[Feature], columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """`features` among `columns` as `artifact.validation` gives them; DataContractError (40) for what does not fit."""
    try:
        values = {feature.name: columns[feature.name] for feature in features}
        return dict(Validator(Signature("regression", tuple(features), ())).columns(values))
    except InvalidRequest as error:
        raise DataContractError(
            f"the data does not match its schema: {error} (rows counted from 0); correct one of them"
        ) from error


def _values(feature: Feature, column: pa.ChunkedArray) -> Any:
    if feature.numeric:
        return column.to_numpy()
    return texts(column).tolist() if feature.dtype == "string" else column.to_pylist()


def _of_rows(path: Path, name: str) -> np.ndarray:
    values: np.ndarray = pyarrow.parquet.ParquetFile(path).read([name]).column(name).to_numpy()
    return values
