"""The engine that was chosen for a model: stage convert leaves it in build/engine/, later stages predict with it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Self

from artifact import digest
from artifact.decision import Decision
from artifact.engines.engine import GRAPH, MODEL, ONNX, SKLEARN, runner
from artifact.errors import ConfigurationError
from artifact.prediction import Runner
from artifact.signature import Signature
from pipeline.engine.agreement import Agreement
from pipeline.shared import json_file, paths


@dataclass(frozen=True)
class Choice:
    """`graph`: the model as ONNX; None for scikit-learn, and then `reason` says why. `batching` is that of
    `artifact.engines.engine.Engine`. `agreement`: how far the graph agrees with scikit-learn; None without a graph.
    """

    graph: bytes | None
    batching: bool
    reason: str | None
    agreement: Agreement | None

    @property
    def name(self) -> str:
        """The engine's name in the manifest."""
        return SKLEARN if self.graph is None else ONNX

    def runner(self, model: bytes, signature: Signature, decision: Decision | None = None) -> Runner:
        """What serves `model`, the bytes of model.joblib, with this decision: the code that the predictor runs."""
        files = {MODEL: model} if self.graph is None else {MODEL: model, GRAPH: self.graph}
        return runner(self.name, files, signature, decision)

    def in_words(self) -> str:
        """One line: the engine, and why it is this one or how far it is from scikit-learn."""
        if self.graph is None:
            return f"{self.name}, not ONNX Runtime: {self.reason}"
        return self.name if self.agreement is None else f"{self.name}: {self.agreement.in_words()}"

    def write(self, model: bytes) -> None:
        """Make build/engine/ for `model`, the bytes of model.joblib: proof.json, and model.onnx if there is a graph."""
        folder = paths.PROOF.parent
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if self.graph is not None:
            paths.GRAPH.write_bytes(self.graph)
        json_file.write(
            paths.PROOF,
            {
                "model": digest.of_bytes(model),
                "engine": self.name,
                "batching": self.batching,
                "reason": self.reason,
                "agreement": None if self.agreement is None else self.agreement.to_dict(),
            },
        )

    @classmethod
    def read(cls, model: bytes) -> Self:
        """From build/engine/; ConfigurationError (10) where it is not there or speaks of another model than `model`."""
        value = json_file.read(paths.PROOF)
        if value["model"] != digest.of_bytes(model):
            raise ConfigurationError(f"{paths.PROOF} speaks of another {paths.MODEL}; make it anew with `dvc repro`")
        agreement = value["agreement"]
        return cls(
            graph=paths.GRAPH.read_bytes() if value["engine"] == ONNX else None,
            batching=value["batching"],
            reason=value["reason"],
            agreement=None if agreement is None else Agreement.from_dict(agreement),
        )
