"""FunctionTransformer of a numpy function, and bins, in an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from pipeline.engine.graph import Graph, Matrix, NoGraph

# Operators one after the other, each with a number where it takes a second one.
_FUNCTIONS: dict[Any, list[tuple[str, float | None]]] = {
    np.abs: [("Abs", None)],
    np.exp: [("Exp", None)],
    np.expm1: [("Exp", None), ("Sub", 1.0)],
    np.log: [("Log", None)],
    np.log10: [("Log", None), ("Div", float(np.log(10.0)))],
    np.log1p: [("Add", 1.0), ("Log", None)],
    np.log2: [("Log", None), ("Div", float(np.log(2.0)))],
    np.sqrt: [("Sqrt", None)],
    np.square: [("Pow", 2.0)],
}


def function(graph: Graph, transformer: Any, x: Matrix) -> Matrix:
    """A FunctionTransformer; what the function makes infinite, on which scikit-learn raises, is NaN."""
    if transformer.func is None:
        return x
    steps = _FUNCTIONS.get(transformer.func)
    if steps is None or transformer.kw_args:
        name = getattr(transformer.func, "__name__", repr(transformer.func))
        raise NoGraph(f"FunctionTransformer of {name} has no form in a graph")
    value = x.name
    for operator, number in steps:
        value = graph.add(operator, value) if number is None else graph.add(operator, value, graph.constant([number]))
    return Matrix(graph.add("Where", graph.add("IsInf", value), graph.constant([np.nan]), value), x.width)


def bins(graph: Graph, transformer: Any, x: Matrix) -> Matrix:
    """A KBinsDiscretizer: which bin each number is in, counted or one-hot."""
    parts = []
    for place, (edges, count) in enumerate(zip(transformer.bin_edges_, transformer.n_bins_.tolist(), strict=True)):
        column = graph.take(x, [place]).name
        above = graph.cast(graph.add("GreaterOrEqual", column, graph.constant(edges[1:-1])), TensorProto.DOUBLE)
        number = graph.add("ReduceSum", above, graph.constant(np.array([1])), keepdims=1) if count > 1 else ""
        number = number or graph.add("Mul", column, graph.constant([0.0]))
        if transformer.encode == "ordinal":
            gap = graph.add("IsNaN", column)
            parts.append(Matrix(graph.add("Where", gap, column, number), 1))
        else:
            bin_number = graph.add("Where", graph.add("IsNaN", column), graph.constant([-1.0]), number)
            equal = graph.add("Equal", bin_number, graph.constant(np.arange(float(count))))
            parts.append(Matrix(graph.cast(equal, TensorProto.DOUBLE), count))
    return graph.side_by_side(parts)
