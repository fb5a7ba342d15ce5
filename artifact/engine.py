"""Engines: what turns columns into predictions. A manifest names one, and `runner` is the only place that reads it.

Nothing is imported before it is known to be needed: a model that ONNX Runtime serves starts without scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artifact.errors import IncompatibleError
from artifact.prediction import Runner
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

    Raises IncompatibleError (22) for an engine this version does not have, and what deserialising raises.
    """

    def exact() -> Runner:
        from artifact import unpickle
        from artifact.sklearn_engine import SklearnRunner

        return SklearnRunner(unpickle.loads(files[MODEL]), signature)

    if engine == SKLEARN:
        return exact()
    if engine == ONNX:
        from artifact.onnx_engine import OnnxRunner

        return OnnxRunner(files[GRAPH], signature, exact)
    raise IncompatibleError(f"engine {engine!r} is not one of {SKLEARN}, {ONNX}; serve with the image of its release")
