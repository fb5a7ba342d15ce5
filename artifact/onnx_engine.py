"""The ONNX Runtime engine: the same model, converted, and proved equal when it was packaged."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import onnxruntime

from artifact.prediction import Columns, Prediction, Runner, rows
from artifact.signature import Signature

_TYPES = {"tensor(string)": object, "tensor(float)": np.float32, "tensor(double)": np.float64}
COLUMNS = "columns"  # in the graph's metadata: the names of the columns of each input, as a JSON list of lists


class OnnxRunner:
    """Runs the graph of an artifact on one thread: a pod's share of a core is less than one.

    It computes in float32. A table whose answers overflow there goes to `exact`, scikit-learn itself, which is loaded
    then and not before.
    """

    def __init__(self, graph: bytes, signature: Signature, exact: Callable[[], Runner]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        described = self._session.get_modelmeta().custom_metadata_map.get(COLUMNS)
        # A graph that says nothing has an input a feature, in the signature's order.
        columns = [[name] for name in signature.names] if described is None else json.loads(described)
        self._inputs = [
            (node.name, names, np.dtype(_TYPES[node.type]))
            for node, names in zip(self._session.get_inputs(), columns, strict=True)
        ]
        self._outputs = [node.name for node in self._session.get_outputs()]
        self._regression = signature.task == "regression"
        self._boolean = signature.outputs[0].dtype == "bool"
        self._probabilities = len(signature.outputs) > 1
        self._load_exact = exact
        self._exact: Runner | None = None

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        feed = {
            name: _side_by_side([columns[feature] for feature in names], dtype) for name, names, dtype in self._inputs
        }
        count = rows(columns)
        answers = [answer[:count] for answer in self._session.run(self._outputs, feed)]
        if self._regression:
            values = answers[0].reshape(-1).astype(np.float64)
            return Prediction(values, None) if np.isfinite(values).all() else self._overflown(columns)
        labels = answers[0].astype(bool) if self._boolean else answers[0]
        if not self._probabilities:
            return Prediction(labels, None)
        probabilities = answers[1].astype(np.float64)
        return Prediction(labels, probabilities) if np.isfinite(probabilities).all() else self._overflown(columns)

    def _overflown(self, columns: Columns) -> Prediction:
        if self._exact is None:
            self._exact = self._load_exact()
        return self._exact.predict(columns)


def _side_by_side(columns: list[np.ndarray], dtype: np.dtype) -> np.ndarray:
    """Columns of [rows] as one array of [rows, columns], in C order; one row stands there twice.

    ONNX Runtime multiplies one row by another routine than several, with other last bits. With two, a row's answer is
    the same whatever company it has, and requests may share a call.
    """
    flat = np.concatenate(columns, dtype=dtype, casting="unsafe")
    if len(flat) == len(columns):
        return np.stack((flat, flat))
    return np.ascontiguousarray(flat.reshape(len(columns), -1).T)
