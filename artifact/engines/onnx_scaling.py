"""A graph that scales its numbers before anything else, made into one without that: numpy scales them while copying.

ONNX Runtime repeats the numbers of a scaler row by row: of 1,000 rows with four columns that takes more than a third of
a linear model's time. Each step is one operation of IEEE 754 for each number, so that numpy gives the same bits.
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


class UnscaledGraph(NamedTuple):
    """A graph whose one input, of float64, is already scaled: by `steps`, for each column those that it goes through,
    in their order.
    """

    graph: bytes
    steps: list[list[Step]]


def unscaled(graph: bytes) -> UnscaledGraph | None:
    """`graph` without the scaling that it begins with; None where it begins otherwise, is large, or is no graph."""
    if len(graph) > _MOST_BYTES:
        return None
    try:
        model = onnx_messages.model(graph)
    except DecodeError:
        return None
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1:
        return None
    name, width = inputs[0].name, onnx_messages.width(inputs[0])
    nodes, outputs = list(model.graph.node), {value.name for value in model.graph.output}
    scaled, steps = name, []
    while (place := _only_reader(nodes, scaled)) is not None and nodes[place].output[0] not in outputs:
        step = _step(nodes[place], constants, width)
        if step is None:
            break
        steps.append(step)
        scaled = nodes.pop(place).output[0]
    if not steps or any(node.op_type in onnx_messages.WITH_GRAPHS for node in nodes):
        return None
    for node in nodes:
        for place, value in enumerate(node.input):
            if value == scaled:
                node.input[place] = name
    changed = onnx_messages.changed(model, nodes, model.graph.input, model.graph.output)
    return UnscaledGraph(changed, [list(of_column) for of_column in zip(*steps, strict=True)])


def _only_reader(nodes: list[Any], value: str) -> int | None:
    """The place of the node that alone reads `value`; None where several do, or none."""
    readers = [place for place, node in enumerate(nodes) if value in node.input]
    return readers[0] if len(readers) == 1 else None


def _step(node: Any, constants: Mapping[str, Any], width: int) -> list[Step] | None:
    """What the node does with each of the `width` columns that it reads; None where that is no scaling."""
    operation = _OPERATIONS.get(node.op_type)
    if operation is None or node.input[1] not in constants:
        return None
    constant = constants[node.input[1]]
    numbers = onnx_messages.doubles(constant)
    if list(constant.dims) != [width] or len(numbers) != width:
        return None
    return [(operation, np.array(number)) for number in numbers]
