"""The table of engines: a row each. A new engine is a module beside these and a row here.

The module of a row has `load(files, signature)`, which gives the runner from the verified bytes of `files`; it is
imported only for an artifact that names the engine. The image has no library that only writing needs (onnx,
scikit-learn's internals), so `writer` names another module, which only stage convert imports. It has two functions:
`cost(fitted)`, what a call costs (`pipeline.engine.costs.Cost`), or None for a Pipeline without a form in this engine;
and `write(model, fitted, signature)`, the bytes of each file for the Pipeline `fitted`, whose bytes are `model`, or
NotWritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from artifact.prediction import Columns, Prediction

SKLEARN = "sklearn"
ONNX = "onnxruntime"
MODEL = "model.joblib"  # the fitted Pipeline: in every artifact, whatever serves
GRAPH = "model.onnx"
TREES = "trees"
TREE_TABLES = "trees.npz"


class NotWritten(Exception):
    """The model has no form in this engine; the message says why."""


class EngineRunner(Protocol):
    """What `load` of an engine's module gives. `alone`: no row that scikit-learn answers needs scikit-learn behind."""

    alone: bool

    def predict(self, columns: Columns) -> Prediction: ...


@dataclass(frozen=True)
class Row:
    """One engine. `files` of the artifact that it serves from, beside model.joblib; `libraries`: distributions beside
    scikit-learn's own whose versions the manifest names, and the environment must have; `writer`: None where there is
    nothing to write.
    """

    name: str
    module: str
    files: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    writer: str | None = None


ROWS = (
    Row(SKLEARN, "artifact.engines.sklearn_runner"),
    Row(ONNX, "artifact.engines.onnx_runner", (GRAPH,), ("onnxruntime",), "pipeline.engine.conversion"),
    Row(TREES, "artifact.engines.trees_runner", (TREE_TABLES,), ("onnxruntime",), "pipeline.engine.tree_tables"),
)
TABLE = {row.name: row for row in ROWS}
