"""Choose what an artifact is served by: ONNX Runtime where it is proved equal to scikit-learn, scikit-learn otherwise.

Equal means, on the whole holdout and on edge rows (`pipeline.packaging.probes`): identical labels, and numbers within
the tolerance of `artifact.tolerance`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from artifact.engine import GRAPH, MODEL, ONNX, SKLEARN, runner
from artifact.onnx_engine import COLUMNS
from artifact.prediction import Columns, Prediction, Runner, rows
from artifact.signature import Signature
from artifact.tolerance import differing
from pipeline.packaging import boosting, probes

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
    """The model as an ONNX graph with one float32 input for all numbers and booleans, [rows, numbers], and one for all
    texts, [rows, texts]: every input costs a request some microseconds. Which columns they are, it says itself
    (`artifact.onnx_engine.COLUMNS`). The same bytes each time.
    """
    booster = boosting.boosted(fitted)
    if booster is not None:
        classes = getattr(booster, "classes_", np.zeros(0))
        return _described(
            boosting.convert(booster, len(signature.names), classes.dtype.kind in "ib"), [signature.names]
        )
    order = _order(fitted, signature.names)
    dtypes = {feature.name: feature.dtype for feature in signature.inputs}
    numbers = [name for name in order if dtypes[name] != "string"]
    texts = [name for name in order if dtypes[name] == "string"]
    given = [("numbers", FloatTensorType, numbers), ("texts", StringTensorType, texts)]
    inputs = [(name, kind([None, len(columns)])) for name, kind, columns in given if columns]
    options = {"zipmap": False} if signature.task == "classification" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        placed = _by_place(fitted, signature.names, numbers + texts)
        graph = convert_sklearn(placed, name="model", initial_types=inputs, options=options)
    return _described(graph, [columns for _, _, columns in given if columns])


def _described(graph: Any, columns: Sequence[Sequence[str]]) -> bytes:
    """The bytes of a graph that names the columns of each of its inputs."""
    described = graph.metadata_props.add()
    described.key, described.value = COLUMNS, json.dumps(columns)
    data: bytes = graph.SerializeToString(deterministic=True)
    return data


def _order(fitted: Any, names: tuple[str, ...]) -> list[str]:
    """The columns in the order the model selects them: the converter mistakes another order for this one."""
    first = fitted.steps[0][1] if isinstance(fitted, Pipeline) else fitted
    if not isinstance(first, ColumnTransformer):
        return list(names)
    chosen = [name for _, _, columns in first.transformers_ for name in _chosen(columns, names)]
    return list(dict.fromkeys([*chosen, *names]))


def _by_place(model: Any, names: tuple[str, ...], order: list[str]) -> Any:
    """The model with a first ColumnTransformer that takes its columns by their place in `order`."""
    if isinstance(model, Pipeline):
        (first, step), *rest = model.steps
        return Pipeline([(first, _by_place(step, names, order)), *rest])
    if not isinstance(model, ColumnTransformer):
        if order != list(names):
            raise TypeError(f"{type(model).__name__} takes numbers and texts by their order")
        return model
    placed = copy(model)
    placed.transformers = placed.transformers_ = [
        (name, part, [order.index(column) for column in _chosen(columns, names)])
        for name, part, columns in model.transformers_
    ]
    return placed


def _chosen(columns: Any, names: tuple[str, ...]) -> list[str]:
    """The names in one selection of a ColumnTransformer, which may hold names, places or a mask."""
    if isinstance(columns, str | int):
        columns = [columns]
    first = columns.start or columns.stop if isinstance(columns, slice) else next(iter(columns), None)
    table = pd.DataFrame(columns=list(names))
    return list((table.loc[:, columns] if isinstance(first, str) else table.iloc[:, columns]).columns)


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
