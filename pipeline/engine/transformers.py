"""The preprocessing of a Pipeline in an ONNX graph: each transformer's own arithmetic, in float64 and in its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from onnx import TensorProto
from sklearn import decomposition, feature_selection, impute, preprocessing
from sklearn.base import TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from artifact.engines.onnx_runner import GAP
from pipeline.engine import encoders, functions
from pipeline.engine.graph import Column, Graph, Matrix, NoGraph, columns_of


def add(graph: Graph, transformer: Any, table: Sequence[Column]) -> list[Column]:
    """Write a fitted `transformer` of the columns of `table`; NoGraph for one that is not among these."""
    if transformer is None or isinstance(transformer, str):  # "passthrough"
        return list(table)
    kind = type(transformer)
    if kind is Pipeline:
        for _, step in transformer.steps:
            table = add(graph, step, table)
        return list(table)
    if kind is FeatureUnion:
        return _union(graph, transformer, table)
    if kind is ColumnTransformer:
        return _selections(graph, transformer, table)
    if (kind.__module__, kind.__name__) == ("features.calendar", "CalendarFeatures"):
        # Here: stage package takes what is imported of features/ for a part of the model.
        from pipeline.engine import calendar_parts

        return calendar_parts.add(graph, transformer, table)
    if kind in encoders.KINDS:
        return encoders.add(graph, transformer, table)
    if kind is impute.SimpleImputer and any(matrix.text for matrix, _ in table):
        return _text_imputer(graph, transformer, table)
    write = _WRITERS.get(kind)
    if write is None:
        raise NoGraph(f"{kind.__name__} has no form in a graph")
    return columns_of(write(graph, transformer, graph.gather(table)))


def places(columns: Any, names: Sequence[str]) -> list[int]:
    """The places in `names` of one selection of a ColumnTransformer, which may hold names, places or a mask."""
    if isinstance(columns, str | int):
        columns = [columns]
    first = columns.start or columns.stop if isinstance(columns, slice) else next(iter(columns), None)
    table = pd.DataFrame([range(len(names))], columns=list(names))
    selection = table.loc[:, columns] if isinstance(first, str) else table.iloc[:, columns]
    return [int(place) for place in selection.to_numpy().ravel()]


def _selections(graph: Graph, transformer: ColumnTransformer, table: Sequence[Column]) -> list[Column]:
    names = getattr(transformer, "feature_names_in_", [str(place) for place in range(len(table))])
    columns: list[Column] = []
    for name, part, selection in transformer.transformers_:
        chosen = [] if isinstance(part, str) and part == "drop" else places(selection, names)
        if chosen:
            columns += _weighted(graph, transformer, name, add(graph, part, [table[place] for place in chosen]))
    return columns


def _union(graph: Graph, transformer: FeatureUnion, table: Sequence[Column]) -> list[Column]:
    columns: list[Column] = []
    for name, part in transformer.transformer_list:
        if isinstance(part, str) and part == "drop":
            continue
        columns += _weighted(graph, transformer, name, add(graph, part, table))
    return columns


def _weighted(
    graph: Graph, transformer: ColumnTransformer | FeatureUnion, name: str, columns: list[Column]
) -> list[Column]:
    """The output `columns` of the part `name`, multiplied by its weight where `transformer` has one for it."""
    weight = (transformer.transformer_weights or {}).get(name)
    if weight is None:
        return columns
    numbers = graph.gather(columns)
    return columns_of(Matrix(graph.add("Mul", numbers.name, graph.constant([float(weight)])), numbers.width))


def _moved(operator: str, values: Callable[[Any], Any]) -> Callable[[Graph, Any, Matrix], Matrix]:
    def write(graph: Graph, transformer: Any, x: Matrix) -> Matrix:
        numbers = values(transformer)
        if numbers is None:
            return x
        return Matrix(graph.add(operator, x.name, graph.constant(np.asarray(numbers, float))), x.width)

    return write


def _in_turn(*writes: Callable[[Graph, Any, Matrix], Matrix]) -> Callable[[Graph, Any, Matrix], Matrix]:
    def write(graph: Graph, transformer: Any, x: Matrix) -> Matrix:
        for each in writes:
            x = each(graph, transformer, x)
        return x

    return write


def _clip(graph: Graph, transformer: Any, x: Matrix) -> Matrix:
    if not transformer.clip:
        return x
    low, high = getattr(transformer, "feature_range", (-1.0, 1.0))
    return Matrix(graph.add("Clip", x.name, graph.constant(float(low)), graph.constant(float(high))), x.width)


def _imputer(graph: Graph, transformer: Any, x: Matrix) -> Matrix:
    columns = _kept_columns(transformer, x.width)
    gap = _gap(graph, transformer.missing_values, x)
    filled = graph.add("Where", gap, graph.constant(transformer.statistics_.astype(float)), x.name)
    parts = [graph.take(Matrix(filled, x.width), columns)]
    if transformer.indicator_ is not None:
        marks = graph.cast(gap, TensorProto.DOUBLE)
        parts.append(graph.take(Matrix(marks, x.width), transformer.indicator_.features_.tolist()))
    return graph.side_by_side(parts)


def _kept_columns(transformer: Any, width: int) -> list[int]:
    if transformer.keep_empty_features:
        return list(range(width))
    return [place for place, value in enumerate(transformer.statistics_) if not pd.isna(value)]


def _gap(graph: Graph, missing: Any, x: Matrix) -> str:
    if pd.isna(missing):
        return graph.add("IsNaN", x.name)
    return graph.add("Equal", x.name, graph.constant(float(missing)))


def _text_imputer(graph: Graph, transformer: Any, table: Sequence[Column]) -> list[Column]:
    """Texts with the statistic of their column where GAP stands for what is missing."""
    usual = transformer.indicator_ is None and pd.isna(transformer.missing_values)
    if (
        not usual
        or not all(matrix.text for matrix, _ in table)
        or len(_kept_columns(transformer, len(table))) < len(table)
    ):
        raise NoGraph("SimpleImputer of text has a form in a graph only where it fills in for missing texts alone")
    columns: list[Column] = []
    for (matrix, place), filling in zip(table, transformer.statistics_.tolist(), strict=True):
        column = graph.take(matrix, [place]).name
        flat = graph.add("Reshape", column, graph.constant(np.array([-1])))
        there = graph.cast(graph.numbered(flat, [GAP], 1), TensorProto.BOOL)
        beside = graph.add("Reshape", there, graph.constant(np.array([-1, 1])))
        filled = graph.add("Where", beside, column, graph.constant(np.array([[filling]], dtype=object)))
        columns.append((Matrix(filled, 1, text=True), 0))
    return columns


def _polynomial(graph: Graph, transformer: Any, x: Matrix) -> Matrix:
    """Each product as scikit-learn multiplies it: the first factor by the product of the others."""
    outputs = [tuple(np.repeat(np.arange(x.width), powers).tolist()) for powers in transformer.powers_]
    products = set(outputs)
    for terms in outputs:
        products |= {terms[start:] for start in range(len(terms))}
    values: dict[int, tuple[str, list[tuple[int, ...]]]] = {1: (x.name, [(place,) for place in range(x.width)])}
    for degree in range(2, max(map(len, products)) + 1):
        terms_of = sorted(terms for terms in products if len(terms) == degree)
        before, terms_before = values[degree - 1]
        first = graph.take(x, [terms[0] for terms in terms_of])
        others = graph.take(Matrix(before, len(terms_before)), [terms_before.index(terms[1:]) for terms in terms_of])
        values[degree] = graph.add("Mul", others.name, first.name), terms_of
    parts = [Matrix(name, len(products)) for name, products in values.values()]
    order = [terms for _, products in values.values() for terms in products]
    if () in products:
        zeros = graph.add("Mul", graph.take(x, [0]).name, graph.constant([0.0]))
        parts.append(Matrix(graph.add("Add", zeros, graph.constant([1.0])), 1))
        order.append(())
    return graph.take(graph.side_by_side(parts), [order.index(terms) for terms in outputs])


def _projection(graph: Graph, transformer: Any, x: Matrix) -> Matrix:
    components = np.asarray(transformer.components_, float)
    name = x.name
    if getattr(transformer, "mean_", None) is not None:
        name = graph.add("Sub", name, graph.constant(np.asarray(transformer.mean_, float)))
    name = graph.add("MatMul", name, graph.constant(np.ascontiguousarray(components.T)))
    if getattr(transformer, "whiten", False):
        scale = np.sqrt(transformer.explained_variance_)
        name = graph.add("Div", name, graph.constant(np.maximum(scale, np.finfo(float).eps)))
    return Matrix(name, len(components))


def _selection(graph: Graph, transformer: Any, x: Matrix) -> Matrix:
    return graph.take(x, np.flatnonzero(transformer.get_support()).tolist())


_WRITERS: dict[type[TransformerMixin], Callable[[Graph, Any, Matrix], Matrix]] = {
    preprocessing.StandardScaler: _in_turn(
        _moved("Sub", lambda scaler: scaler.mean_ if scaler.with_mean else None),
        _moved("Div", lambda scaler: scaler.scale_),
    ),
    preprocessing.RobustScaler: _in_turn(
        _moved("Sub", lambda scaler: scaler.center_), _moved("Div", lambda scaler: scaler.scale_)
    ),
    preprocessing.MinMaxScaler: _in_turn(
        _moved("Mul", lambda scaler: scaler.scale_), _moved("Add", lambda scaler: scaler.min_), _clip
    ),
    preprocessing.MaxAbsScaler: _in_turn(_moved("Div", lambda scaler: scaler.scale_), _clip),
    preprocessing.PolynomialFeatures: _polynomial,
    preprocessing.FunctionTransformer: functions.function,
    preprocessing.KBinsDiscretizer: functions.bins,
    impute.SimpleImputer: _imputer,
    decomposition.PCA: _projection,
    decomposition.TruncatedSVD: _projection,
    **dict.fromkeys(
        (
            feature_selection.SelectFdr,
            feature_selection.SelectFpr,
            feature_selection.SelectFromModel,
            feature_selection.SelectFwe,
            feature_selection.SelectKBest,
            feature_selection.SelectPercentile,
            feature_selection.VarianceThreshold,
        ),
        _selection,
    ),
}
