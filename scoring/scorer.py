"""One piece of a table scored: predictions for the rows that fit the signature, a reason for each that does not.

A row is judged by what serving judges it by: `pipeline.data.conversion` reads a cell as its dtype, in the format that
the table had which the model was trained on, `artifact.validation` says whether the value may be sent to the model,
`artifact.engines.unanswered` whether the model has a finite answer for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from artifact.engines import unanswered
from artifact.engines.table import SKLEARN
from artifact.errors import DataContractError, InvalidRequest
from artifact.feature import Feature
from artifact.load import Loaded
from artifact.prediction import Columns, Prediction, together
from artifact.validation.validator import Validator
from pipeline.data import conversion
from pipeline.params.cells import Cells
from scoring import arrays, model
from scoring.plain import PlainTables, as_raw

ROW, REASON = "row", "reason"
_DTYPES = {"float64": pa.float64(), "int64": pa.int64(), "bool": pa.bool_(), "string": pa.string()}  # of answers
_EXCERPT = 60
_LOT = 4096  # rows that are checked and predicted at once


@dataclass(frozen=True)
class Form:
    """How the table is written: `text` as in a CSV, with `missing` texts for no value; `keep` columns are passed on."""

    text: bool
    missing: tuple[str, ...]
    keep: tuple[str, ...]


@dataclass(frozen=True)
class Scored:
    """`predictions` by row; `rejected`: row, reason and the cells as they were. Rows count from 1, without a header."""

    predictions: pa.Table
    rejected: pa.Table


class Scorer:
    """A verified model, the `files` of its artifact, and the form of the tables it scores."""

    def __init__(self, artifact: Loaded, files: Mapping[str, bytes], form: Form) -> None:
        self._model = model.of(artifact, files)
        self._runner = self._model.runner
        self._sample = artifact.sample
        self._signature = artifact.signature
        self._validator = Validator(artifact.signature)
        self._form = form
        learned = Cells.from_dict(artifact.manifest.parameters.get("cells", {}))
        self._cells = replace(learned, missing=(*learned.missing, *form.missing))
        # scikit-learn takes milliseconds to begin; another engine is fastest where its table stays in the cache.
        self._lot = None if artifact.manifest.engines[-1].name == SKLEARN else _LOT
        self._plain = PlainTables(artifact.signature, self._cells, form.text)

    def check(self, types: Mapping[str, pa.DataType]) -> None:
        """Raise DataContractError (40) where a column has a type that no value of its feature can have.

        `types`: the Arrow type of each column that the model takes.
        """
        for feature in self._signature.inputs if not self._form.text else ():
            kind = types[feature.name]
            if _is_usual(feature, kind):
                continue
            _, violations = conversion.typed(feature, pa.chunked_array([pa.nulls(1, kind)]), self._cells)
            if violations:
                raise DataContractError(
                    f"the column {feature.name!r} is {kind}, the model takes {feature.dtype}; convert it, loss and all"
                )

    def score(self, table: pa.Table, first: int) -> Scored:
        """The answers for the rows of `table`, [rows, columns], that fit the signature, and the reasons for the others.

        `first` is the number of its first row. What the model raises for rows that it must be able to answer is raised.
        """
        reasons: dict[int, str] = {}
        parts = list(self._predicted(table, reasons))
        fits = np.ones(table.num_rows, dtype=bool)
        fits[list(reasons)] = False
        answers = self._arrays(together(parts)) if parts else [pa.nulls(0, kind) for kind in self.outputs.values()]
        numbers = np.arange(first, first + table.num_rows, dtype=np.int64)
        rows = pa.chunked_array([arrays.array(numbers, pa.int64())])
        if not reasons:
            nothing = table.slice(0, 0)
            return Scored(self._predictions(rows, table, answers), _rejected(rows.slice(0, 0), [], nothing))
        wrong = sorted(reasons)
        mask = pa.array(fits)
        return Scored(
            self._predictions(rows.filter(mask), table.filter(mask), answers),
            _rejected(rows.take(wrong), [reasons[row] for row in wrong], table.take(wrong)),
        )

    @property
    def outputs(self) -> dict[str, pa.DataType]:
        """Name and type of each column of answers."""
        types: dict[str, pa.DataType] = {}
        for output in self._signature.outputs:
            types |= dict.fromkeys(output.flat, _DTYPES[output.dtype])
        return types

    def _predictions(self, rows: pa.ChunkedArray, table: pa.Table, answers: list[pa.Array]) -> pa.Table:
        outputs = dict(zip(self.outputs, answers, strict=True))
        columns = {_free(name, (ROW, *outputs)): table.column(name) for name in self._form.keep}
        return pa.table({ROW: rows, **columns, **outputs})

    def _arrays(self, prediction: Prediction) -> list[pa.Array]:
        """A column of answers for each of `outputs`, [rows]."""
        labels = None if self._model.labels is None else arrays.texts(self._model.labels)
        columns = []
        for output in self._signature.outputs:
            array = prediction.array(output.name)
            for column in [array] if array.ndim == 1 else array.T:
                if output.dtype == "string" and labels is not None:
                    columns.append(labels.take(arrays.array(column, pa.int64())))
                else:
                    columns.append(arrays.array(column, _DTYPES[output.dtype]))
        return columns

    def _predicted(self, table: pa.Table, reasons: dict[int, str]) -> Iterator[Prediction]:
        """The answers for the rows of `table` in their order, without those of which the reasons are added."""
        plain = self._plain.read(table)
        lot = self._lot or table.num_rows
        for start in range(0, table.num_rows, lot):
            end = min(start + lot, table.num_rows)
            rows = np.arange(start, end)
            accepted: Columns | None = plain.lot(start, end) if plain else None
            if accepted is None:
                wrong: dict[int, str] = {}
                accepted = self._closely(table.slice(start, end - start), wrong)
                reasons.update({start + row: reason for row, reason in wrong.items()})
                rows = np.delete(rows, list(wrong))
            prediction = None if accepted is None else self._answered(accepted, rows, reasons)
            if prediction is not None:
                yield prediction

    def _closely(self, table: pa.Table, reasons: dict[int, str]) -> Columns | None:
        """The columns of the rows that fit, None where no row does; the reasons of the others are added."""
        columns = self._converted(table, reasons)
        fits = np.ones(table.num_rows, dtype=bool)
        fits[list(reasons)] = False
        if reasons:
            columns = {name: values[fits] for name, values in columns.items()}
        return self._accepted(columns, np.flatnonzero(fits), reasons) if fits.any() else None

    def _converted(self, table: pa.Table, reasons: dict[int, str]) -> dict[str, np.ndarray]:
        """Each feature's values, [rows]; the first reason of each row of which a cell does not convert is added."""
        columns: dict[str, np.ndarray] = {}
        for feature in self._signature.inputs:
            raw = table.column(feature.name)
            convert = conversion.text if self._form.text else conversion.typed
            columns[feature.name], violations = convert(feature, raw, self._cells)
            for violation in violations:
                for row in violation.places.tolist():
                    text = repr(raw[row].as_py())
                    cut = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
                    reasons.setdefault(row, f"feature {feature.name!r}: {cut} does not fit {violation.rule}")
        return columns

    def _accepted(self, columns: Columns, rows: np.ndarray, reasons: dict[int, str]) -> Columns | None:
        """The columns as the model takes them, without the rows that do not fit, whose reasons are added."""
        try:
            return self._validator.columns(_sent(columns))
        except InvalidRequest as error:
            wrong: dict[int, str] = {}
            self._search(columns, 0, len(rows), str(error), wrong)
        fits = np.ones(len(rows), dtype=bool)
        fits[list(wrong)] = False
        reasons.update({int(rows[row]): reason for row, reason in wrong.items()})
        if not fits.any():
            return None
        return self._validator.columns(_sent({name: values[fits] for name, values in columns.items()}))

    def _answered(self, columns: Columns, rows: np.ndarray, reasons: dict[int, str]) -> Prediction | None:
        """The answers for the rows that have finite ones; for the others of `rows` reasons are added.

        What the model raises for rows that it has answered before is raised as it is.
        """
        try:
            prediction = self._runner.predict(columns)
        except Exception:
            if not unanswered.answers(self._runner, self._sample):
                raise
            wrong = np.array(list(unanswered.failing(self._runner, columns)), dtype=int)
            if not len(wrong):
                raise
            reasons.update(dict.fromkeys(rows[wrong].tolist(), unanswered.FAILS))
            answerable = np.delete(np.arange(len(rows)), wrong)
            rest = {name: values[answerable] for name, values in columns.items()}
            return self._answered(rest, rows[answerable], reasons) if len(answerable) else None
        if prediction.all_finite:
            return prediction
        finite = prediction.finite()
        reasons.update(dict.fromkeys(rows[~finite].tolist(), unanswered.NOT_FINITE))
        return prediction.take(finite)

    def _search(self, columns: Columns, start: int, end: int, message: str, wrong: dict[int, str]) -> None:
        """Halve what does not fit until each row of it stands alone: no second set of rules, and few calls."""
        if end - start == 1:
            wrong[start] = message.replace(", row 0:", ":", 1)
            return
        middle = (start + end) // 2
        for low, high in ((start, middle), (middle, end)):
            try:
                self._validator.columns(_sent(columns, slice(low, high)))
            except InvalidRequest as error:
                self._search(columns, low, high, str(error), wrong)


def _is_usual(feature: Feature, kind: pa.DataType) -> bool:
    """Whether a column of this type is what the feature mostly has: whatever it holds, some value of it fits."""
    if feature.dtype in ("float64", "int64"):
        return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
    return feature.dtype == "string" and pa.types.is_string(kind)


def _rejected(rows: pa.ChunkedArray, reasons: list[str], cells: pa.Table) -> pa.Table:
    columns = {_free(name, (ROW, REASON)): cells.column(name) for name in cells.column_names}
    return pa.table({ROW: rows, REASON: arrays.texts(reasons), **columns})


def _free(name: str, names: Sequence[str]) -> str:
    return f"input.{name}" if name in names else name


def _sent(columns: Columns, rows: slice = slice(None)) -> dict[str, Any]:
    return {name: as_raw(each[rows]) for name, each in columns.items()}
