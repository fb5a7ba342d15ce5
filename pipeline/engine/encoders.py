"""Encoders of categories in an ONNX graph: a table with a row for each category, filled by the encoder itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from artifact.engines.onnx_runner import GAP
from pipeline.engine.graph import Column, Graph, Matrix, NoGraph, columns_of

KINDS = (OneHotEncoder, OrdinalEncoder, TargetEncoder)
_EXACT = 2.0**53  # whole numbers from here on share a float64 with others
_UNKNOWN = "\N{REPLACEMENT CHARACTER} no category"  # stands for every text that was not seen


def add(graph: Graph, encoder: Any, columns: Sequence[Column]) -> list[Column]:
    """Write a fitted encoder of `columns`, texts and numbers."""
    outputs: list[Column] = []
    for number, (matrix, place) in enumerate(columns):
        table = _table(encoder, number)
        write = _text if matrix.text else _number
        name = write(graph, graph.take(matrix, [place]), encoder.categories_[number], table)
        outputs += columns_of(Matrix(name, table.shape[1]))
    return outputs


def _table(encoder: Any, column: int) -> np.ndarray:
    """What each category of `column` becomes, and in a last row what an unknown one does: [categories + 1, outputs]."""
    names = encoder.categories_[column]
    odd: Any = _UNKNOWN if names.dtype.kind in "OU" else _odd(names)
    values = [*names.tolist(), odd] if _takes_unknown(encoder) else names.tolist()
    rows = np.empty((len(values), len(encoder.categories_)), dtype=object)
    for other, categories in enumerate(encoder.categories_):
        rows[:, other] = values if other == column else [categories.tolist()[0]] * len(values)
    if all(categories.dtype.kind not in "OU" for categories in encoder.categories_):
        rows = rows.astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that an array does not have, and of unknown categories
        encoded = encoder.transform(rows)
    encoded = np.asarray(encoded.toarray() if hasattr(encoded, "toarray") else encoded, dtype=np.float64)
    table = encoded[:, _outputs(encoder, column, encoded.shape[1])]
    # Where the encoder refuses what it does not know, nothing that the schema lets in gets there.
    return table if _takes_unknown(encoder) else np.vstack([table, np.zeros((1, table.shape[1]))])


def _takes_unknown(encoder: Any) -> bool:
    return isinstance(encoder, TargetEncoder) or encoder.handle_unknown != "error"


def _odd(categories: np.ndarray) -> float:
    """A number that is not among `categories`."""
    present = categories[categories == categories].astype(float)
    return float(np.abs(present).max(initial=0.0) + 1.5)


def _outputs(encoder: Any, column: int, total: int) -> slice:
    """Which of the encoder's `total` outputs `column` becomes."""
    if isinstance(encoder, OneHotEncoder):
        widths = list(encoder._n_features_outs)
    else:
        widths = [total // len(encoder.categories_)] * len(encoder.categories_)
    start = sum(widths[:column])
    return slice(start, start + widths[column])


def _text(graph: Graph, column: Matrix, categories: np.ndarray, table: np.ndarray) -> str:
    texts = [category if isinstance(category, str) else GAP for category in categories]  # else it is None or NaN
    if GAP in categories.tolist() or texts.count(GAP) > 1:
        raise NoGraph(f"an encoder with the category {GAP!r}, or with two kinds of missing text")
    flat = graph.add("Reshape", column.name, graph.constant(np.array([-1])))
    number = graph.numbered(flat, texts, len(texts))
    return graph.add("Gather", graph.constant(table), number, axis=0)


def _number(graph: Graph, column: Matrix, categories: np.ndarray, table: np.ndarray) -> str:
    numbers = categories.astype(np.float64)
    if (np.abs(numbers) >= _EXACT).any():
        raise NoGraph(f"an encoder of whole numbers beyond {_EXACT:g}")
    value = column.name
    if np.isnan(numbers).any():  # nothing equals NaN, and infinity never comes
        value = graph.add("Where", graph.add("IsNaN", value), graph.constant(np.inf), value)
        numbers = np.where(np.isnan(numbers), np.inf, numbers)
    equal = graph.cast(graph.add("Equal", value, graph.constant(numbers)), TensorProto.DOUBLE)
    if table.shape[0] == table.shape[1] + 1 and np.array_equal(table, np.eye(*table.shape)):
        return equal
    places = graph.constant(np.arange(1.0, len(numbers) + 1)[:, None])  # 0 is left for what is not known
    place = graph.cast(graph.add("MatMul", equal, places), TensorProto.INT64)
    flat = graph.add("Reshape", place, graph.constant(np.array([-1])))
    return graph.add("Gather", graph.constant(np.roll(table, 1, axis=0)), flat, axis=0)
