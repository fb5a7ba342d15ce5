"""An ONNX graph in float64 while it is being written, one node after the other.

Names are counted, so that the same model gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from artifact.engines.onnx_runner import ALONE, COLUMNS, GAP, MISSING, SENT
from artifact.engines.table import NotWritten

TREES = "ai.onnx.ml"  # the domain of TreeEnsemble and LabelEncoder
_OPSETS = (("", 17), (TREES, 5))
_TYPES = {"f": TensorProto.DOUBLE, "i": TensorProto.INT64, "b": TensorProto.BOOL, "O": TensorProto.STRING}


class NoGraph(NotWritten):
    """A part of the model has no form in a graph; the message names it."""


@dataclass(frozen=True)
class Matrix:
    """A value in the graph: float64, or text, of shape [rows, width]."""

    name: str
    width: int
    text: bool = False


Column = tuple[Matrix, int]  # one column of a matrix, by its place


def columns_of(matrix: Matrix) -> list[Column]:
    """All columns of `matrix`."""
    return [(matrix, place) for place in range(matrix.width)]


class Graph:
    """Nodes and constants so far."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[tuple[Any, Sequence[str]]] = []
        self._outputs: list[Any] = []
        # Values whose numbers float32 holds, as it holds all that a caller may send (`column.LARGEST`).
        self._in_float32: set[str] = set()
        self._gaps = False

    def input(self, name: str, columns: Sequence[str], text: bool, gaps: bool = False) -> Matrix:
        """An input of these columns, [rows, columns]; `gaps`: texts of them may be missing, and GAP stands for that."""
        self._gaps |= gaps
        kind = TensorProto.STRING if text else TensorProto.DOUBLE
        self._in_float32.add(name)
        self._inputs.append((helper.make_tensor_value_info(name, kind, [None, len(columns)]), columns))
        return Matrix(name, len(columns), text)

    def add(self, operator: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any) -> str:
        """A node with one output, whose name is returned."""
        name = output or f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], domain=domain, **attributes))
        return name

    def constant(self, values: Any) -> str:
        """A tensor of float64, int64, booleans or text, in the shape of `values`."""
        array = np.asarray(values)
        name = f"c{len(self._constants)}"
        text = array.dtype.kind == "O"
        flat: Any = [str(value).encode() for value in array.ravel()] if text else array.ravel().tolist()
        self._constants.append(helper.make_tensor(name, _TYPES[array.dtype.kind], array.shape, flat))
        return name

    def numbered(self, texts: str, values: Sequence[str], default: int) -> str:
        """The place in `values` of each of `texts`, [rows], or `default` where it has none: int64, [rows]."""
        if {GAP, SENT} & ({*values} - {GAP}):
            raise NoGraph(f"a category is {SENT!r}")
        return self.add(
            "LabelEncoder",
            texts,
            domain=TREES,
            keys_strings=list(values),
            values_int64s=list(range(len(values))),
            default_int64=default,
        )

    def cast(self, value: str, kind: int) -> str:
        """`value` as another type of TensorProto."""
        return self.add("Cast", value, to=kind)

    def as_trees_see_it(self, value: str) -> str:
        """`value` rounded to float32 and back: scikit-learn's trees round so before they compare with a float64."""
        return self._hold([value], self.cast(self.cast(value, TensorProto.FLOAT), TensorProto.DOUBLE))

    def where_finite(self, source: str, value: str) -> str:
        """`value`, [rows, columns], and NaN in the rows in which a number of `source`, [rows, …], is infinite: there
        scikit-learn raises, and has no answer.
        """
        if source in self._in_float32:
            return value
        infinite = self.cast(self.add("IsInf", source), TensorProto.FLOAT)
        rows = self.cast(self.add("ReduceMax", infinite, axes=[1], keepdims=1), TensorProto.BOOL)
        return self.add("Where", rows, self.constant([np.nan]), value)

    def side_by_side(self, parts: Sequence[Matrix]) -> Matrix:
        """Matrices of numbers as one."""
        if len(parts) == 1:
            return parts[0]
        names = [part.name for part in parts]
        name = self._hold(names, self.add("Concat", *names, axis=1))
        return Matrix(name, sum(part.width for part in parts))

    def take(self, matrix: Matrix, places: Sequence[int]) -> Matrix:
        """The columns of `matrix` at `places`."""
        if list(places) == list(range(matrix.width)):
            return matrix
        gathered = self.add("Gather", matrix.name, self.constant(np.array(places, np.int64)), axis=1)
        name = self._hold([matrix.name], gathered)
        return Matrix(name, len(places), matrix.text)

    def gather(self, table: Sequence[Column]) -> Matrix:
        """Columns of numbers, which may lie in several matrices, as one matrix."""
        if any(matrix.text for matrix, _ in table):
            raise NoGraph("text where numbers are expected")
        runs: list[tuple[Matrix, list[int]]] = []
        for matrix, place in table:
            if not runs or runs[-1][0] is not matrix:
                runs.append((matrix, []))
            runs[-1][1].append(place)
        return self.side_by_side([self.take(matrix, places) for matrix, places in runs])

    def _hold(self, sources: Sequence[str], output: str) -> str:
        """`output`, which holds numbers of `sources` alone."""
        if self._in_float32.issuperset(sources):
            self._in_float32.add(output)
        return output

    def output(self, name: str, kind: int, shape: Sequence[int | None] | None) -> None:
        """The value `name` is an output of the graph."""
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def inner(self) -> Inner:
        """A graph of a model within this one: its nodes stand here, and its outputs are values."""
        return Inner(self)

    def to_bytes(self) -> bytes:
        """The model, whose metadata name the columns of its inputs and say that it answers alone."""
        inputs = [described for described, _ in self._inputs]
        return self._model(self._nodes, inputs, self._outputs, self._constants)

    def around_trees(self, value: str, result: str) -> tuple[bytes, bytes, Any]:
        """The models before and behind the trees, and the type of their numbers, as numpy has it: the first ends with
        the trees' input, as `value`, and the second begins with their output, as `result`, and, where it needs that,
        `value` too. NoGraph where that cannot be.
        """
        ensembles = [node for node in self._nodes if node.op_type == "TreeEnsemble"]
        if len(ensembles) != 1:
            raise NoGraph(f"{len(ensembles)} ensembles of trees in the graph, not one")
        (into,), (out,) = ensembles[0].input, ensembles[0].output
        (kind,) = (attribute.t.data_type for attribute in ensembles[0].attribute if attribute.name == "nodes_splits")
        behind = []
        for node in self._leading_to({output.name for output in self._outputs}, {into, out}):
            behind.append(type(node)())
            behind[-1].CopyFrom(node)
            behind[-1].input[:] = [{into: value, out: result}.get(name, name) for name in node.input]
        available = {name for node in behind for name in node.output} | {constant.name for constant in self._constants}
        inputs = list(dict.fromkeys(name for node in behind for name in node.input if name not in available))
        if not {value, result}.issuperset(inputs):
            raise NoGraph("the trees are not the only way through the graph")
        before = [*self._leading_to({into}, set()), helper.make_node("Identity", [into], [value])]
        ends, begins = (
            [helper.make_tensor_value_info(name, kind, [None, None]) for name in names] for names in ([value], inputs)
        )
        return (
            self._model(before, [described for described, _ in self._inputs], ends, self._constants_of(before)),
            self._model(behind, begins, self._outputs, self._constants_of(behind)),
            helper.tensor_dtype_to_np_dtype(kind),
        )

    def _constants_of(self, nodes: Sequence[Any]) -> list[Any]:
        used = {name for node in nodes for name in node.input}
        return [constant for constant in self._constants if constant.name in used]

    def _leading_to(self, values: set[str], stop: set[str]) -> list[Any]:
        """The nodes that `values` are computed by, in their order, as far as they do not make one of `stop`."""
        needed, nodes = values - stop, list[Any]()
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                nodes.append(node)
                needed.update(set(node.input) - stop)
        return nodes[::-1]

    def _model(
        self, nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], constants: Sequence[Any]
    ) -> bytes:
        graph = helper.make_graph(nodes, "model", inputs, outputs, constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        columns = [list(names) for _, names in self._inputs]
        gaps = {MISSING: "true"} if self._gaps else {}
        helper.set_model_props(model, {COLUMNS: json.dumps(columns), ALONE: "true", **gaps})
        data: bytes = model.SerializeToString(deterministic=True)
        return data


class Inner(Graph):
    """The part of another graph that a model within a model is; `outputs`: its outputs, by their names."""

    def __init__(self, outer: Graph) -> None:
        self._nodes, self._constants, self._in_float32 = (
            outer._nodes,
            outer._constants,
            outer._in_float32,
        )
        self.outputs: dict[str, Matrix] = {}

    def add(self, operator: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any) -> str:
        """As in any graph; an output gets the name of a value."""
        name = super().add(operator, *inputs, domain=domain, **attributes)
        if output:
            self.outputs[output] = Matrix(name, 1)
        return name

    def output(self, name: str, kind: int, shape: Sequence[int | None] | None) -> None:
        """How wide the output is."""
        self.outputs[name] = Matrix(self.outputs[name].name, (shape[1] if shape else None) or 1)
