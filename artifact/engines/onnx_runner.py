"""The ONNX Runtime engine: the same model as a graph, proved equal when it was packaged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnxruntime

from artifact.categorical import CategoricalColumns
from artifact.engines import onnx_scaling, onnx_texts
from artifact.engines.onnx_scaling import Step, UnscaledGraph
from artifact.engines.onnx_texts import NumberedGraph, Numbers
from artifact.engines.table import GRAPH
from artifact.prediction import PROBABILITIES, Columns, Prediction, rows
from artifact.signature import Signature

_TYPES = {"tensor(string)": object, "tensor(float)": np.float32, "tensor(double)": np.float64}
ALONE = "alone"  # in the graph's metadata: "true" where scikit-learn need not answer any row
COLUMNS = "columns"  # in the graph's metadata: the names of the columns of each input, as a JSON list of lists
MISSING = "missing"  # in the graph's metadata: "true" where a text may be missing; older images alone read it
# A tensor of text has no place for what is missing, for which GAP stands, whether a text may be missing or not: a graph
# with an imputer compares each text with it. A caller may send this very text, which then becomes SENT; neither is a
# category of any graph.
GAP, SENT = "\N{REPLACEMENT CHARACTER} missing", "\N{REPLACEMENT CHARACTER} sent"

_MANY = 512  # rows from which a column at a time costs less than all of them in one array, and that turned


def load(files: Mapping[str, bytes], signature: Signature) -> OnnxRunner:
    """The graph in model.onnx; raises what ONNX Runtime raises."""
    return OnnxRunner(files[GRAPH], signature)


class OnnxRunner:
    """Runs the graph of an artifact on one thread: a pod's share of a core is less than one.

    A row that the graph cannot answer has numbers that are not finite (`Prediction.finite`). `alone` says that no such
    row was seen that scikit-learn answers, so that scikit-learn need not be loaded; graphs in float32, as they were
    written before, do not say so, and overflow.
    """

    def __init__(self, graph: bytes, signature: Signature) -> None:
        changed = _with_numbers(graph, signature)
        graph = graph if changed is None else changed.graph
        opened = session(graph)
        self.alone = opened.get_modelmeta().custom_metadata_map.get(ALONE) == "true"
        self._few = self._many = Inputs(opened, signature, changed), Outputs(opened, signature)
        # Of many rows numpy chooses and scales the columns that the graph begins with. Of few that would take longer.
        if (unscaled := onnx_scaling.unscaled(graph)) is not None:
            opened = session(unscaled.graph)
            self._many = Inputs(opened, signature, changed, unscaled), Outputs(opened, signature)

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        count = rows(columns)
        inputs, outputs = self._few if count < _MANY else self._many
        return outputs.prediction(inputs.feed(columns), count)


def session(graph: bytes) -> onnxruntime.InferenceSession:
    """A graph in memory, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised; onnxruntime would print it in red as well
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def beginning(graph: bytes, signature: Signature) -> tuple[onnxruntime.InferenceSession, Inputs]:
    """A graph that begins with the columns of a signature, opened, and its inputs. Numbers stand for its texts, where
    that is possible.
    """
    changed = _with_numbers(graph, signature)
    opened = session(graph if changed is None else changed.graph)
    return opened, Inputs(opened, signature, changed)


def _with_numbers(graph: bytes, signature: Signature) -> NumberedGraph | None:
    texts = any(feature.dtype == "string" for feature in signature.inputs)
    return onnx_texts.numbered(graph, session) if texts else None


class Inputs:
    """The inputs of a graph that begins with the columns of a signature."""

    def __init__(
        self,
        graph: onnxruntime.InferenceSession,
        signature: Signature,
        changed: NumberedGraph | None = None,
        unscaled: UnscaledGraph | None = None,
    ) -> None:
        """`graph` may be changed: `changed` tells which numbers stand for its texts, `unscaled`, made of the graph
        after that, which of its inputs are of chosen and scaled columns.
        """
        described = graph.get_modelmeta().custom_metadata_map
        # A graph that says nothing has an input a feature, in the signature's order.
        columns = json.loads(described[COLUMNS]) if COLUMNS in described else [[name] for name in signature.names]
        types = {node.name: node.type for node in graph.get_inputs()}
        before = types if unscaled is None else unscaled.inputs
        named = dict(zip(before if changed is None else changed.inputs, columns, strict=True))
        self._tables = [(name, names, np.dtype(_TYPES[types[name]])) for name, names in named.items() if name in types]
        self._marks = changed is None
        self._numbers: list[tuple[str, Numbers]] = []
        if changed is not None:
            for name, (of_texts, place) in changed.columns.items():
                self._numbers.append((named[of_texts][place], changed.of(name, GAP, SENT)))
        self._number_names = [] if changed is None else list(changed.columns)
        self._scaled = [
            (name, [named[source][place] for place in places], steps)
            for name, source, places, steps in (() if unscaled is None else unscaled.scaled)
        ]

    def feed(self, columns: Columns) -> dict[str, np.ndarray]:
        """What the graph is given: an even number of rows."""
        feed = {
            name: _side_by_side([columns[feature] for feature in names], dtype) for name, names, dtype in self._tables
        }
        if self._marks:
            feed = {name: _marked(table) if table.dtype == object else table for name, table in feed.items()}
        for name, names, steps in self._scaled:
            feed[name] = _scaled([columns[feature] for feature in names], steps)
        if self._numbers:
            feed.update(self._numbered(columns))
        return feed

    def _numbered(self, columns: Columns) -> Iterator[tuple[str, np.ndarray]]:
        """The numbers of the texts, [rows], by input."""
        count = rows(columns)
        if type(columns) is CategoricalColumns:
            table = np.empty((len(self._numbers), count + count % 2), np.int64)
            for row, (feature, of_text) in zip(table, self._numbers, strict=True):
                column = columns.categorical(feature)
                row[:count] = of_text.of_array(columns[feature]) if column is None else of_text.of_categories(column)
            if count % 2:
                table[:, -1] = table[:, count - 1]
        else:
            numbers = [of_text.of_array(columns[feature]) for feature, of_text in self._numbers]
            if count % 2:
                for of_feature in numbers:
                    of_feature.append(of_feature[-1])
            table = np.array(numbers, np.int64)
        return zip(self._number_names, table, strict=True)


class Outputs:
    """The outputs of a graph that ends with what a signature says."""

    def __init__(self, graph: onnxruntime.InferenceSession, signature: Signature) -> None:
        self._graph = graph
        self._names = [node.name for node in graph.get_outputs()]
        self._signature = signature
        self._several = signature.task != "classification" and not _one_number(signature)
        self._regression = signature.task == "regression"
        self._boolean = signature.outputs[0].dtype == "bool"
        self._probabilities = len(signature.outputs) > 1

    def prediction(self, feed: dict[str, np.ndarray], count: int) -> Prediction:
        """What the graph answers to `feed`, the first `count` rows of it."""
        answers = [answer[:count] for answer in self._graph.run(self._names, feed)]
        if self._several:
            return self._by_name(dict(zip(self._names, answers, strict=True)), count)
        if self._regression:
            return Prediction(answers[0].reshape(-1).astype(np.float64, copy=False))
        labels = answers[0].reshape(-1)
        if self._boolean:
            labels = labels.astype(bool)
        return Prediction(labels, answers[1].astype(np.float64, copy=False) if self._probabilities else None)

    def _by_name(self, answers: dict[str, np.ndarray], count: int) -> Prediction:
        """Outputs of any number and width, which the graph names as the signature does."""
        arrays = {
            output.name: answers[output.name].reshape((count, -1) if output.columns else count)
            for output in self._signature.outputs
        }
        values = arrays.pop(self._signature.outputs[0].name)
        return Prediction(values, arrays.pop(PROBABILITIES, None), arrays)


def _one_number(signature: Signature) -> bool:
    return signature.number and len(signature.outputs) == 1


def _marked(texts: np.ndarray) -> np.ndarray:
    """`texts`, [rows, columns], with the text GAP for each that is missing (NaN)."""
    sent = texts == GAP
    if sent.any():
        texts[sent] = SENT
    texts[texts != texts] = GAP
    return texts


def _side_by_side(columns: list[np.ndarray], dtype: np.dtype) -> np.ndarray:
    """Columns of [rows] as one array of [rows, columns], in C order; the last of an odd number stands there twice.

    ONNX Runtime multiplies one row by another routine than several, and takes exponentials of two numbers at a time and
    of one left over by another routine: other last bits. With an even number of rows, a row's answer is the same
    whatever company it has, and requests may share a call.
    """
    count = len(columns[0])
    table = np.empty((count + count % 2, len(columns)), dtype)
    if count < _MANY:
        flat = np.concatenate(columns, dtype=dtype, casting="unsafe")
        table[:count] = flat.reshape(len(columns), count).T
    else:
        for place, column in enumerate(columns):
            table[:count, place] = column
    if count % 2:
        table[-1] = table[count - 1]
    return table


def _scaled(columns: list[np.ndarray], steps: Sequence[Sequence[Step]]) -> np.ndarray:
    """As `_side_by_side`, in float64, of what becomes of each column by its steps, if it has any."""
    count = len(columns[0])
    table, scratch = np.empty((count + count % 2, len(columns))), np.empty(count)
    with np.errstate(all="ignore"):  # what is not finite is seen in the answer
        for column, of_column, scaled in zip(columns, steps, table[:count].T, strict=True):
            if not of_column:
                scaled[:] = column
                continue
            *before, (operation, number) = of_column
            values = column
            for earlier, earlier_number in before:
                values = earlier(values, earlier_number, scratch)
            operation(values, number, scaled)
    if count % 2:
        table[-1] = table[count - 1]
    return table
