"""Engines: what turns columns into predictions. A manifest names one, and `runner` is the only place that reads it.

Nothing is imported before it is known to be needed: a model that ONNX Runtime serves starts without scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifact.errors import IncompatibleError
from artifact.prediction import Columns, Prediction, Runner
from artifact.signature import Signature

SKLEARN = "sklearn"
ONNX = "onnxruntime"
MODEL = "model.joblib"
GRAPH = "model.onnx"


@dataclass(frozen=True)
class Engine:
    """The engine of an artifact.

    `batching`: to the bit, the answer for a row does not depend on the rows that are predicted with it, so that
    concurrent requests may share one call.
    """

    name: str
    batching: bool

    def to_dict(self) -> dict[str, Any]:
        """The JSON form in the manifest."""
        return {"name": self.name, "batching": self.batching}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Engine:
        """Read the JSON form; TypeError or KeyError for anything else."""
        if not isinstance(value, dict) or set(value) != {"name", "batching"}:
            raise TypeError(f"'engine' is {value!r}, not a name and whether it batches")
        if not isinstance(value["name"], str) or not isinstance(value["batching"], bool):
            raise TypeError(f"'engine' is {value!r}, not a name and whether it batches")
        return cls(value["name"], value["batching"])


def files(engine: str) -> tuple[str, ...]:
    """The files of an artifact that this engine serves from; the fitted Pipeline is always among them."""
    return (MODEL, GRAPH) if engine == ONNX else (MODEL,)


def runner(engine: str, files: Mapping[str, bytes], signature: Signature) -> Runner:
    """The runner of the engine a manifest names, from the verified bytes of the artifact's files.

    Whatever may answer a row is loaded when this returns; scikit-learn is not where the graph answers alone. Raises
    IncompatibleError (22) for an engine this version does not have, and what deserialising raises.
    """
    if engine == SKLEARN:
        return _sklearn(files, signature)
    if engine == ONNX:
        from artifact.engines.onnx_runner import OnnxRunner

        graph = OnnxRunner(files[GRAPH], signature)
        return graph if graph.alone else Fallback(graph, _sklearn(files, signature))
    raise IncompatibleError(f"engine {engine!r} is not one of {SKLEARN}, {ONNX}; serve with the image of its release")


def _sklearn(files: Mapping[str, bytes], signature: Signature) -> Runner:
    from artifact.engines.sklearn_runner import SklearnRunner
    from artifact.unpickling import unpickle

    return SklearnRunner(unpickle.loads(files[MODEL]), signature)


@dataclass(frozen=True)
class Fallback:
    """Answers by `first`, and the rows for which that has no finite answer by `second`."""

    first: Runner
    second: Runner

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        prediction = self.first.predict(columns)
        missing = np.flatnonzero(~prediction.finite())
        if not len(missing):
            return prediction
        others = self.second.predict({name: values[missing] for name, values in columns.items()})
        values = prediction.values.copy()
        values[missing] = others.values
        if prediction.probabilities is None:
            return Prediction(values, None)
        probabilities = prediction.probabilities.copy()
        probabilities[missing] = others.probabilities
        return Prediction(values, probabilities)
