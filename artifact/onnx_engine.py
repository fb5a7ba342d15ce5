"""The ONNX Runtime engine: the same model, converted, and proved equal when it was packaged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime

from artifact.prediction import Columns, Prediction, Runner
from artifact.signature import Signature


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
        # The converter makes identifiers of the names, and keeps their order.
        given = [node.name for node in self._session.get_inputs()]
        self._inputs = [
            (name, feature.name, feature.dtype == "string")
            for name, feature in zip(given, signature.inputs, strict=True)
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
            name: columns[feature].reshape(-1, 1) if text else columns[feature].astype(np.float32).reshape(-1, 1)
            for name, feature, text in self._inputs
        }
        answers = self._session.run(self._outputs, feed)
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
