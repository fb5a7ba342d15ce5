"""Makes a graph that begins by choosing and scaling columns of numbers into one that takes the scaled columns.

numpy chooses and scales while it copies the columns into the tables that the graph takes.

ONNX Runtime works row by row there: for 1,000 rows of four columns scaling takes more than a third of a linear model's
time. Each step is one operation of IEEE 754 for each number, so that numpy, column by column, gives the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from artifact.engines import onnx_messages

_MOST_BYTES = 1 << 16  # of a graph: a larger one does more, and would take its memory twice
_OPERATIONS: Mapping[str, np.ufunc] = {"Add": np.add, "Div": np.divide, "Mul": np.multiply, "Sub": np.subtract}
Step = tuple[np.ufunc, np.ndarray]  # an operation of a column and a number, and that number as an array without axes


class Scaled(NamedTuple):
    """An input, `name`, of columns that stand at `places` in `source`, an input of the graph before it was changed.
    Each column has gone through its `steps`, of which there may be none.
    """

    name: str
    source: str
    places: list[int]
    steps: list[list[Step]]


class UnscaledGraph(NamedTuple):
    """A graph that takes `scaled` in the place of inputs of float64. `inputs` are the names of all inputs of the graph
    that it was made of, in their order.
    """

    graph: bytes
    inputs: list[str]
    scaled: list[Scaled]


def unscaled(graph: bytes) -> UnscaledGraph | None:
    """`graph` without the choosing and scaling that it begins with; None where it begins otherwise, is large, is no
    graph, or holds other graphs.
    """
    if len(graph) > _MOST_BYTES:
        return None
    try:
        model = onnx_messages.model(graph)
    except DecodeError:
        return None
    if any(node.op_type in onnx_messages.WITH_GRAPHS for node in model.graph.node):
        return None
    reading = _Reading(model.graph)
    values = [value for value in model.graph.input if value.name not in reading.constants]
    inputs: list[Any] = []
    scaled: list[Scaled] = []
    for value in values:
        tables = reading.begin(value) if onnx_messages.is_double(value) and onnx_messages.width(value) else []
        scaled += tables
        inputs += [onnx_messages.like(value, table.name, len(table.places)) for table in tables] or [value]
    if not scaled:
        return None
    changed = onnx_messages.changed(model, reading.nodes, inputs, model.graph.output)
    return UnscaledGraph(changed, [value.name for value in values], scaled)


class _Reading:
    """The nodes of a graph that are left in it."""

    def __init__(self, graph: Any) -> None:
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.nodes = list(graph.node)
        self._outputs = {value.name for value in graph.output}

    def begin(self, value: Any) -> list[Scaled]:
        """Take out what the graph begins with of an input with columns: none where that is no choosing or scaling."""
        name, places = value.name, list(range(onnx_messages.width(value)))
        readers = self._readers(name)
        chosen = [self._chosen(node) for node in readers]
        if not readers or not all(chosen):
            table = self._scaled(name, name, places)
            return [table] if table.steps[0] else []
        self.nodes = [node for node in self.nodes if not any(node is reader for reader in readers)]
        return [self._scaled(node.output[0], name, of_node) for node, of_node in zip(readers, chosen, strict=True)]

    def _readers(self, value: str) -> list[Any]:
        return [node for node in self.nodes if value in node.input]

    def _chosen(self, node: Any) -> list[int]:
        """The places of the columns that the node chooses; none where it does something else."""
        if node.op_type != "Gather" or node.input[1] not in self.constants or node.output[0] in self._outputs:
            return []
        constant = self.constants[node.input[1]]
        places = list(constant.int64_data) if onnx_messages.number(node, "axis") == 1 else []
        return places if list(constant.dims) == [len(places)] and min(places, default=-1) >= 0 else []

    def _scaled(self, value: str, source: str, places: list[int]) -> Scaled:
        """Take out the nodes that scale `value`, one behind the other."""
        steps: list[list[Step]] = [[] for _ in places]
        while True:
            readers = self._readers(value)
            step = self._step(readers[0], len(places)) if len(readers) == 1 else []
            if not step:
                return Scaled(value, source, places, steps)
            for of_column, of_step in zip(steps, step, strict=True):
                of_column.append(of_step)
            self.nodes = [node for node in self.nodes if node is not readers[0]]
            value = readers[0].output[0]

    def _step(self, node: Any, width: int) -> list[Step]:
        """What the node does with each of the `width` columns that it reads; nothing where it does not scale them."""
        operation = _OPERATIONS.get(node.op_type)
        if operation is None or node.input[1] not in self.constants or node.output[0] in self._outputs:
            return []
        constant = self.constants[node.input[1]]
        numbers = onnx_messages.doubles(constant)
        if list(constant.dims) != [width] or len(numbers) != width:
            return []
        return [(operation, np.array(number)) for number in numbers]
