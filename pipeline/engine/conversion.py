"""The files of the ONNX Runtime engine: the Pipeline as a graph in float64, or the reason why it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from artifact.engines.table import GRAPH
from artifact.signature import Signature
from pipeline.engine import estimators, transformers
from pipeline.engine.costs import Amounts, Cost
from pipeline.engine.graph import Column, Graph, NoGraph, columns_of
from pipeline.engine.trees import Tree

# Microseconds of what `amounts` counts, of a call and of a row (`python -m bench.engine_costs`).
PRICES = (2.76, 0.000683), (0.019, 0.00452)
_LARGEST = 32 << 20  # bytes of model.joblib: the graph of more is as large again


def write(model: bytes, fitted: Any, signature: Signature) -> Mapping[str, bytes]:
    """model.onnx for `fitted`, whose bytes are `model`; NoGraph says why there is none."""
    return {GRAPH: graph_of(model, fitted, signature).to_bytes()}


def graph_of(model: bytes, fitted: Any, signature: Signature) -> Graph:
    """The graph that `convert` has the bytes of; NoGraph also for a model that is served better without."""
    if len(model) > _LARGEST:
        size = f"model.joblib has {len(model) >> 20} MiB, more than {_LARGEST >> 20}"
        raise NoGraph(f"{size}: its graph would be as large again")
    _labels_alone(signature)
    return _graph(fitted, signature)


def cost(fitted: Any) -> Cost:
    """What a call costs. Of models without trees there is little to tell: the graph has no rival."""
    return Cost.from_prices(PRICES, amounts(trees_of(fitted)))


def trees_of(fitted: Any) -> list[Tree]:
    """The trees of the last step; none where it has none, or such as have no form in a graph."""
    try:
        return estimators.trees_of(fitted[-1] if isinstance(fitted, Pipeline) else fitted)
    except NoGraph:
        return []


def amounts(trees: Sequence[Tree]) -> Amounts:
    """What the microseconds of a call and of a row depend on, in the order of `PRICES`.

    A call: itself, and the nodes of the trees. A row: itself, and the nodes on its way. A tree counts as often as it is
    written.
    """
    nodes = sum(tree.copies * len(tree.leaf) for tree in trees)
    return (1, nodes), (1, sum(tree.copies * tree.path_below(()) for tree in trees))


def convert(fitted: Any, signature: Signature) -> bytes:
    """The model as an ONNX graph with one float64 input for all numbers and booleans, [rows, numbers], and one for all
    texts, [rows, texts]: every input costs a request some microseconds. Which columns they are, it says itself
    (`onnx_runner.COLUMNS`). The same bytes each time. NoGraph names a part that has no form in a graph.
    """
    return _graph(fitted, signature).to_bytes()


def _graph(fitted: Any, signature: Signature) -> Graph:
    steps = [step for _, step in fitted.steps] if type(fitted) is Pipeline else [fitted]
    graph = Graph()
    texts = {feature.name for feature in signature.inputs if feature.dtype == "string"}
    order = _order(steps[0], signature.names)
    inputs: dict[str, Column] = {}
    for name, text in (("numbers", False), ("texts", True)):
        columns = [column for column in order if (column in texts) == text]
        if columns:
            gaps = any(feature.nullable for feature in signature.inputs if text and feature.name in columns)
            inputs |= zip(columns, columns_of(graph.input(name, columns, text, gaps)), strict=True)
    table = [inputs[name] for name in signature.names]
    for step in steps[:-1]:
        table = transformers.add(graph, step, table)
    estimators.add(graph, steps[-1], graph.gather(table))
    return graph


def _order(first: Any, names: tuple[str, ...]) -> list[str]:
    """The columns in the order in which the model selects them, so that the graph need not."""
    if not isinstance(first, ColumnTransformer):
        return list(names)
    order = [names[place] for _, _, columns in first.transformers_ for place in transformers.places(columns, names)]
    return list(dict.fromkeys([*order, *names]))


def _labels_alone(signature: Signature) -> None:
    if signature.task in ("classification", "multilabel") and len(signature.outputs) == 1:
        raise NoGraph("the model gives labels without probabilities: a graph could not say which rows it cannot answer")
