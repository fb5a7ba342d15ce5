"""Choose what an artifact is served by: ONNX Runtime where it is proved equal to scikit-learn, scikit-learn otherwise.

Equal means, on the whole holdout and on edge rows (`pipeline.probes`): identical labels, and numbers within the
tolerance of `artifact.tolerance`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from artifact.engine import GRAPH, MODEL, ONNX, SKLEARN, runner
from artifact.prediction import Columns, Prediction, Runner, rows
from artifact.signature import Signature
from artifact.tolerance import differing
from pipeline import probes

_LARGEST = 32 << 20  # bytes of model.joblib: the converter takes minutes for a forest beyond that
_SINGLE = 64  # rows predicted one by one and together, to see whether company changes an answer


@dataclass(frozen=True)
class Compiled:
    """What `artifact.save` takes: the graph (None for scikit-learn, and why), and whether requests may batch."""

    graph: bytes | None
    batching: bool
    reason: str | None

    @property
    def name(self) -> str:
        """The engine's name in the manifest."""
        return SKLEARN if self.graph is None else ONNX


def choose(model: bytes, fitted: Any, signature: Signature, holdout: Columns) -> Compiled:
    """The fastest engine that is proved equal; `model` are the bytes of `fitted`, `holdout` is [rows] a feature."""
    files = {MODEL: model}
    exact = runner(SKLEARN, files, signature)
    reason = _too_large(model) or _text_may_be_missing(signature)
    if reason is None:
        try:
            graph = convert(fitted, signature)
            candidate = runner(ONNX, files | {GRAPH: graph}, signature)
            reason = difference(signature, exact, candidate, probes.table(signature, holdout))
        except Exception as error:
            # The converter raises what it likes for a model it does not know: scikit-learn then serves it, rightly.
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if reason is None:
            return Compiled(graph, _company_is_harmless(candidate, holdout), None)
    return Compiled(None, _company_is_harmless(exact, holdout), reason)


def convert(fitted: Any, signature: Signature) -> bytes:
    """The model as an ONNX graph: one input a feature, float32 or text, [rows, 1]; the same bytes each time."""
    inputs = [
        (feature.name, (StringTensorType if feature.dtype == "string" else FloatTensorType)([None, 1]))
        for feature in signature.inputs
    ]
    options = {"zipmap": False} if signature.task == "classification" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = convert_sklearn(_gathered(fitted, signature), name="model", initial_types=inputs, options=options)
    data: bytes = graph.SerializeToString()
    return data


def _gathered(fitted: Any, signature: Signature) -> Any:
    """The model behind a step that gathers its columns: most estimators convert from one input only."""
    steps = fitted.steps if isinstance(fitted, Pipeline) else [("model", fitted)]
    if isinstance(steps[0][1], ColumnTransformer):
        return fitted
    names = list(signature.names)
    gather = ColumnTransformer([("all", "passthrough", names)]).fit(
        pd.DataFrame(np.zeros((1, len(names))), columns=names)
    )
    return Pipeline([("gather", gather), *steps])


def difference(signature: Signature, exact: Runner, candidate: Runner, table: Columns) -> str | None:
    """The first answer of `candidate` that is not the one of `exact`, in words; None where all are equal."""
    one, other = exact.predict(table), candidate.predict(table)
    for output in signature.outputs:
        before, now = _values(output.name, one).tolist(), _values(output.name, other).tolist()
        wrong = differing(signature.task, output.name, before, now)
        if len(wrong):
            row = int(wrong[0])
            return (
                f"{output.name} differs on {len(wrong)} of {rows(table)} rows, as {now[row]!r} from "
                f"{before[row]!r} for {probes.shown(table, row)}"
            )
    return None


def _company_is_harmless(engine: Runner, holdout: Columns) -> bool:
    few = {name: values[:_SINGLE] for name, values in holdout.items()}
    together = engine.predict(few)
    for size in (1, 7):
        for start in range(0, rows(few), size):
            alone = engine.predict({name: values[start : start + size] for name, values in few.items()})
            part = together.part(start, start + size)
            if not np.array_equal(alone.values, part.values):
                return False
            if alone.probabilities is not None and not np.array_equal(alone.probabilities, part.probabilities):  # type: ignore[arg-type]
                return False
    return True


def _values(output: str, prediction: Prediction) -> np.ndarray:
    if output != "probabilities":
        return prediction.values
    assert prediction.probabilities is not None  # the signature names them
    return prediction.probabilities


def _too_large(model: bytes) -> str | None:
    if len(model) > _LARGEST:
        return f"model.joblib has {len(model) >> 20} MiB: converting more than {_LARGEST >> 20} MiB takes minutes"
    return None


def _text_may_be_missing(signature: Signature) -> str | None:
    for feature in signature.inputs:
        if feature.nullable and feature.dtype == "string":
            return f"{feature.name!r} is a text that may be missing, which an ONNX tensor cannot say"
    return None
