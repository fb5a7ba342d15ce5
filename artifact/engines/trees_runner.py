"""The engine for many rows at a time of a model of trees: a graph before the trees, the trees in numpy, a graph behind.

The two graphs are those parts of model.onnx that stand before and behind its trees, so that only the trees are computed
otherwise, and they to the bit the same. A call costs more than one of ONNX Runtime, and a row less.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np

from artifact.engines.decision_trees import DecisionTrees
from artifact.engines.onnx_runner import Outputs, beginning, session
from artifact.engines.table import TREE_TABLES
from artifact.prediction import Columns, Prediction, rows
from artifact.signature import Signature

NUMBERS, SUMS = "tree_numbers", "tree_sums"  # what the trees are given and what they give, in the two graphs
_BEFORE, BEHIND = "graph_before", "graph_behind"


def load(files: Mapping[str, bytes], signature: Signature) -> TreesRunner:
    """The arrays and graphs in trees.npz; raises what numpy and ONNX Runtime raise."""
    with np.load(BytesIO(files[TREE_TABLES]), allow_pickle=False) as arrays:
        return TreesRunner({name: arrays[name] for name in arrays.files}, signature)


def to_bytes(before: bytes, behind: bytes, trees: Mapping[str, np.ndarray]) -> bytes:
    """trees.npz: the two graphs as bytes, beside the arrays of `DecisionTrees`. Equal models give equal bytes."""
    graphs = {_BEFORE: np.frombuffer(before, np.uint8), BEHIND: np.frombuffer(behind, np.uint8)}
    return packed({**graphs, **trees})


def packed(arrays: Mapping[str, Any]) -> bytes:
    """The arrays of trees.npz as its bytes."""
    stream = BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


class TreesRunner:
    """Predicts with the arrays of trees.npz, on one thread."""

    alone = True

    def __init__(self, arrays: Mapping[str, np.ndarray], signature: Signature) -> None:
        self._before, self._inputs = beginning(arrays[_BEFORE].tobytes(), signature)
        behind = session(arrays[BEHIND].tobytes())
        self._outputs = Outputs(behind, signature)
        self._trees = DecisionTrees(arrays)
        self._behind_takes_numbers = NUMBERS in [node.name for node in behind.get_inputs()]

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        (numbers,) = self._before.run([NUMBERS], self._inputs.feed(columns))
        feed = {SUMS: self._trees.sums(numbers)}
        if self._behind_takes_numbers:
            feed[NUMBERS] = numbers
        return self._outputs.prediction(feed, rows(columns))
