"""The model that scores: that of the artifact or, where its labels are texts of a graph, one that answers numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np

from artifact.decision import Decision
from artifact.engines import engine, trees_runner
from artifact.engines.engine import Engine, Fallback
from artifact.engines.table import GRAPH, ONNX, TREE_TABLES, TREES
from artifact.engines.trees_runner import BEHIND
from artifact.load import Loaded
from artifact.output import Output
from artifact.prediction import Runner
from artifact.signature import Signature
from scoring.coded_labels import LabelGraph, Uncoded


@dataclass(frozen=True)
class Model:
    """`labels`: what the texts that `runner` answers are places in; None where it answers the texts themselves."""

    runner: Runner
    labels: tuple[str, ...] | None = None


def of(artifact: Loaded, files: Mapping[str, bytes]) -> Model:
    """The model of `artifact`, whose verified `files` these are."""
    described = artifact.manifest
    texts = any(output.dtype == "string" for output in artifact.signature.outputs)
    # What answers the rows that a graph cannot answer answers with texts.
    if not texts or any(isinstance(runner, Fallback) for runner in engine.each(artifact.runner)):
        return Model(artifact.runner)
    try:
        return coded(described.engines, files, artifact.signature, described.decision)
    except Uncoded:
        return Model(artifact.runner)


def coded(
    engines: Sequence[Engine], files: Mapping[str, bytes], signature: Signature, decision: Decision | None
) -> Model:
    """The model whose labels are numbers; Uncoded where those of an engine cannot be."""
    graphs: dict[str, LabelGraph] = {}
    arrays: dict[str, np.ndarray] = {}
    for entry in engines:
        if entry.name == ONNX:
            graphs[GRAPH] = LabelGraph(files[GRAPH])
        elif entry.name == TREES:
            with np.load(BytesIO(files[TREE_TABLES]), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            graphs[BEHIND] = LabelGraph(arrays[BEHIND].tobytes())
        else:
            raise Uncoded(f"the engine {entry.name} answers texts")
    labels = tuple(sorted(set().union(*(graph.texts for graph in graphs.values()))))
    codes = {label: code for code, label in enumerate(labels)}
    changed = {name: graph.coded(codes) for name, graph in graphs.items()}
    if arrays:
        changed[TREE_TABLES] = trees_runner.packed(arrays | {BEHIND: np.frombuffer(changed.pop(BEHIND), np.uint8)})
    outputs = tuple(_coded_output(output, codes) for output in signature.outputs)
    return Model(engine.serving(engines, changed, replace(signature, outputs=outputs), decision), labels)


def _coded_output(output: Output, codes: Mapping[str, int]) -> Output:
    if output.dtype != "string" or output.categories is None:
        return output
    return replace(output, categories=tuple(codes[str(category)] for category in output.categories))
