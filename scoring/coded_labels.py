"""An ONNX graph that answers the places of labels in a list, in place of the labels: ONNX Runtime makes an object of
Python of each text that it answers.

Labels are constants of a graph, which its last operators choose from and carry to the outputs. They do the same with
whole numbers, and all that comes before stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from google.protobuf.message import DecodeError

from artifact.engines import onnx_messages

# Texts in, the same texts out: the places of the inputs that are texts, None for all of them.
_CARRY: dict[str, slice] = {
    "Concat": slice(None),
    "Gather": slice(0, 1),
    "Identity": slice(0, 1),
    "Reshape": slice(0, 1),
    "Where": slice(1, 3),
}


class Uncoded(Exception):
    """The labels of a graph are more than constants that are chosen from; the message says what."""


class LabelGraph:
    """The graph in `data`; Uncoded where its labels cannot be numbers."""

    def __init__(self, data: bytes) -> None:
        try:
            self._model = onnx_messages.model(data)
        except DecodeError as error:
            raise Uncoded("it is no graph") from error
        graph = self._model.graph
        self._outputs = [value for value in graph.output if onnx_messages.is_text(value)]
        texts, nodes = {value.name for value in self._outputs}, []
        for node in reversed(graph.node):
            if texts.intersection(node.output):
                if node.op_type not in _CARRY:
                    raise Uncoded(f"{node.op_type} answers texts")
                texts.update(node.input[_CARRY[node.op_type]])
                nodes.append(node)
        self._constants = [tensor for tensor in graph.initializer if tensor.name in texts]
        if texts != {tensor.name for tensor in self._constants}.union(*(node.output for node in nodes)):
            raise Uncoded("a text that is sent is answered")
        if any(texts.intersection(node.input) for node in graph.node if not texts.intersection(node.output)):
            raise Uncoded("a text is answered, and something else is made of it")

    @property
    def texts(self) -> set[str]:
        """All labels."""
        return {text.decode() for tensor in self._constants for text in tensor.string_data}

    def coded(self, codes: Mapping[str, int]) -> bytes:
        """The graph with the code of each label in its place; `codes` has all `texts`. Once only."""
        graph = self._model.graph
        lists = {tensor.name: [codes[text.decode()] for text in tensor.string_data] for tensor in self._constants}
        constants = [tensor for tensor in graph.initializer if tensor.name not in lists]
        constants += [onnx_messages.constant(each.name, each.dims, lists[each.name]) for each in self._constants]
        nodes: list[Any] = []
        for node in graph.node:
            choices = [lists.get(name, ()) for name in node.input[:0:-1]]
            if node.op_type == "Where" and list(map(len, choices)) == [1, 1]:
                # One of two: looked up in a list of both, which takes a sixth of the time.
                output = node.output[0]
                table, place = f"{output} of", f"{output} at"
                constants.append(onnx_messages.constant(table, [2], chain(*choices)))
                nodes.append(onnx_messages.to_whole_numbers(node.input[0], place))
                nodes.append(onnx_messages.lookup(table, place, output))
            else:
                nodes.append(node)
        for value in self._outputs:
            onnx_messages.make_whole_numbers(value)
        return onnx_messages.changed(self._model, nodes, graph.input, graph.output, constants)
