"""The ONNX Runtime engine: the same model as a graph, proved equal when it was packaged."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import onnxruntime

from artifact.engines.table import GRAPH
from artifact.prediction import PROBABILITIES, Columns, Prediction, rows
from artifact.signature import Signature

_TYPES = {"tensor(string)": object, "tensor(float)": np.float32, "tensor(double)": np.float64}
ALONE = "alone"  # in the graph's metadata: "true" where scikit-learn need not answer any row
COLUMNS = "columns"  # in the graph's metadata: the names of the columns of each input, as a JSON list of lists
MISSING = "missing"  # in the graph's metadata: "true" where a text may be missing, and GAP stands for it
# A tensor of text has no place for what is missing. A caller may send this very text, which then becomes another one;
# neither is a category of any graph.
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
        self._session = session(graph)
        self.alone = self._session.get_modelmeta().custom_metadata_map.get(ALONE) == "true"
        self._inputs = Inputs(self._session, signature)
        self._outputs = Outputs(self._session, signature)

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        return self._outputs.prediction(self._inputs.feed(columns), rows(columns))


def session(graph: bytes) -> onnxruntime.InferenceSession:
    """A graph in memory, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised; onnxruntime would print it in red as well
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class Inputs:
    """The inputs of a graph that begins with the columns of a signature."""

    def __init__(self, graph: onnxruntime.InferenceSession, signature: Signature) -> None:
        described = graph.get_modelmeta().custom_metadata_map
        # A graph that says nothing has an input a feature, in the signature's order.
        columns = json.loads(described[COLUMNS]) if COLUMNS in described else [[name] for name in signature.names]
        self._inputs = [
            (node.name, names, np.dtype(_TYPES[node.type]))
            for node, names in zip(graph.get_inputs(), columns, strict=True)
        ]
        self._gaps = described.get(MISSING) == "true"

    def feed(self, columns: Columns) -> dict[str, np.ndarray]:
        """What the graph is given: an even number of rows."""
        feed = {
            name: _side_by_side([columns[feature] for feature in names], dtype) for name, names, dtype in self._inputs
        }
        if self._gaps:
            feed = {name: _marked(table) if table.dtype == object else table for name, table in feed.items()}
        return feed


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
