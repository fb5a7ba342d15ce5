"""A graph that takes texts, made into one that takes whole numbers: ONNX Runtime copies each text several times.

A graph compares a text with the texts in it, and goes on with a number: the place of a category. What it does up to
there is done once, when it is loaded: with each text that it holds, and with one that it does not hold, which stands
for all such texts, as the graph cannot tell them apart. The rest of the graph stays as it is, and takes these numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from google.protobuf.message import DecodeError

from artifact.categorical import Categorical
from artifact.engines import onnx_messages

_ENCODER = "LabelEncoder"
_MANY = 64  # texts
Column = tuple[str, int]  # the name of an input of texts, and a place in it
Open = Callable[[bytes], onnxruntime.InferenceSession]


class Numbers(dict[Any, int]):
    """The number of each text of one column."""

    def __init__(self, numbers: Mapping[str, int], other: int, missing: int) -> None:
        """`other`: of all texts that `numbers` lacks. `missing`: of NaN, which stands where there is no text."""
        super().__init__(numbers)
        self._other, self._missing = other, missing
        self[np.nan] = missing  # the very object that validation writes is looked up as fast as a text
        self._last: tuple[Sequence[Any], np.ndarray] = (), np.empty(0, np.int64)

    def __missing__(self, text: Any) -> int:
        return self._other if text == text else self._missing

    def of_array(self, texts: np.ndarray) -> list[int]:
        """The numbers of `texts`, [rows]."""
        values = texts.tolist()
        if len(values) < _MANY:
            return list(map(self.__getitem__, values))
        # Many may not be known, for each of which Python would be called.
        numbers = list(map(self.get, values, repeat(self._other)))
        if self._missing != self._other:
            for row in np.flatnonzero(texts != texts).tolist():
                numbers[row] = self._missing
        return numbers

    def of_categories(self, column: Categorical) -> np.ndarray:
        """The numbers of a column: int64, [rows]."""
        categories, numbers = self._last
        if categories is not column.categories:  # nearly every request has those of the one before
            categories, numbers = column.categories, np.array([self[text] for text in column.categories], np.int64)
            self._last = categories, numbers
        of_rows: np.ndarray = numbers[column.codes]
        return of_rows


class NumberedGraph(NamedTuple):
    """A graph whose inputs of texts are replaced by inputs of int64, [rows], one for each name in `columns`.

    `numbers` has, by the same names, the number of each text that the graph holds for that column, and `others` that of
    all other texts. `inputs` are the names of all inputs before, in their order.
    """

    graph: bytes
    inputs: Sequence[str]
    columns: Mapping[str, Column]
    numbers: Mapping[str, Mapping[str, int]]
    others: Mapping[str, int]

    def of(self, name: str, gap: str, sent: str) -> Numbers:
        """The numbers of the input `name`. In the graph `gap` stands for a missing text, and `sent` for that very text
        where a caller sends it.
        """
        numbers, other = self.numbers[name], self.others[name]
        return Numbers({**numbers, gap: numbers.get(sent, other)}, other, numbers.get(gap, other))


def numbered(graph: bytes, open_graph: Open) -> NumberedGraph | None:
    """`graph` with numbers in the place of texts; None where it has no texts, or does more with them than is known
    here, or is no graph at all.
    """
    try:
        model = onnx_messages.model(graph)
        reading = _Reading(model.graph)
        texts = reading.texts()
    except (DecodeError, UnicodeDecodeError, _Unknown):
        return None
    if not reading.inputs:
        return None
    columns, outputs = reading.columns, list(model.graph.output)
    replacements = [onnx_messages.whole_numbers(name) for name in columns]
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    of_texts = [value for value in inputs if value.name in reading.inputs]
    of_numbers = [value for value in model.graph.input if value.name not in reading.inputs]
    numbers: dict[str, dict[str, int]] = {}
    others: dict[str, int] = {}
    if columns:
        first = open_graph(onnx_messages.changed(model, reading.nodes, of_texts, replacements))
        count, tables = _tables(reading.inputs, texts)
        for name, answer in zip(columns, first.run(list(columns), tables), strict=True):
            if answer.shape != (count,):
                return None
            *listed, others[name] = answer[: len(texts[columns[name]]) + 1].tolist()
            numbers[name] = dict(zip(texts[columns[name]], listed, strict=True))
    rest = onnx_messages.changed(model, reading.others, [*of_numbers, *replacements], outputs)
    return NumberedGraph(rest, [value.name for value in inputs], columns, numbers, others)


def _tables(inputs: Mapping[str, int], texts: Mapping[Column, Sequence[str]]) -> tuple[int, dict[str, np.ndarray]]:
    """How many rows, and for each of `inputs` of so many columns an array of as many rows: the `texts` of each column,
    and behind them, at least once, one that no column has.
    """
    present = {text for of_column in texts.values() for text in of_column}
    other = "other"
    while other in present:
        other += "'"
    count = 1 + max(map(len, texts.values()), default=0)
    tables = {name: np.full((count, width), other, dtype=object) for name, width in inputs.items()}
    for (name, place), of_column in texts.items():
        tables[name][: len(of_column), place] = of_column
    return count, tables


class _Unknown(Exception):
    """The graph does something with texts that is not known here."""


class _Reading:
    """A graph in two parts: `nodes`, of which each works on single texts of one column, and `others`.

    `inputs` are the names of the inputs of texts, and `columns` what the others take from the nodes: the names of
    numbers of texts, with the column of each.
    """

    def __init__(self, graph: Any) -> None:
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self.inputs = {value.name: onnx_messages.width(value) for value in graph.input if onnx_messages.is_text(value)}
        if 0 in self.inputs.values():
            raise _Unknown
        # What is computed of the texts of one column, and which of that are texts.
        self._columns: dict[str, Column] = {name: (name, 0) for name, width in self.inputs.items() if width == 1}
        self._texts = set(self._columns)
        self.nodes = [node for node in graph.node if self._is_of_one_column(node)]
        of_texts = {node.output[0] for node in self.nodes}
        self.others = [node for node in graph.node if node.output[0] not in of_texts]
        self.columns: dict[str, Column] = {}
        self._divide({output.name for output in graph.output})
        order = {node.output[0]: place for place, node in enumerate(graph.node)}
        self.others.sort(key=lambda node: order[node.output[0]])

    def texts(self) -> dict[Column, list[str]]:
        """The texts that the nodes of each column compare with or put there."""
        texts: dict[Column, set[str]] = {}
        for node in self.nodes:
            of_column = texts.setdefault(self._columns[node.output[0]], set())
            for name in node.input:
                of_column.update(text.decode() for text in self._constant_texts(name))
            if node.op_type == _ENCODER:
                of_column.update(text.decode() for text in onnx_messages.keys(node))
        return {column: sorted(of_column) for column, of_column in texts.items()}

    def _is_of_one_column(self, node: Any) -> bool:
        """Whether the node works on single texts of one column; then its output is remembered."""
        if node.op_type in onnx_messages.WITH_GRAPHS:
            raise _Unknown
        if node.op_type == "Gather" and node.input[0] in self.inputs:
            place = self._constants[node.input[1]].int64_data if node.input[1] in self._constants else []
            if len(place) != 1 or place[0] < 0 or onnx_messages.number(node, "axis") != 1:
                raise _Unknown
            self._columns[node.output[0]] = (node.input[0], place[0])
            self._texts.add(node.output[0])
            return True
        columns = {self._columns[name] for name in node.input if name in self._columns}
        if len(columns) != 1 or not all(name in self._columns or name in self._constants for name in node.input):
            return False
        takes_text = [name in self._texts or len(self._constant_texts(name)) > 0 for name in node.input]
        match node.op_type:
            case "Reshape" if takes_text[0]:
                self._texts.add(node.output[0])
            case "Where" if takes_text[1] and takes_text[2]:
                self._texts.add(node.output[0])
            case "LabelEncoder" if takes_text[0] and onnx_messages.gives_whole_numbers(node):
                pass
            case "Reshape" | "Cast" if not takes_text[0]:
                pass
            case _:
                return False
        (self._columns[node.output[0]],) = columns
        return True

    def _constant_texts(self, name: str) -> Sequence[bytes]:
        texts: Sequence[bytes] = self._constants[name].string_data if name in self._constants else ()
        return texts

    def _divide(self, needed: set[str]) -> None:
        """Leave to the others what they need, down to the numbers that stand for texts."""
        needed = needed.union(*(node.input for node in self.others))
        single: list[Any] = []
        for node in reversed(self.nodes):
            (name,) = node.output
            if name in needed and node.op_type != _ENCODER:
                self.others.append(node)
                needed.update(node.input)
                continue
            single.append(node)
            if name in needed:
                self.columns[name] = self._columns[name]
        self.nodes = single[::-1]
        self.columns = dict(reversed(self.columns.items()))
        if needed & (self._texts | self.inputs.keys()):
            raise _Unknown
