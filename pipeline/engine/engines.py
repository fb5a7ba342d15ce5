"""Choose what an artifact is served by: ONNX Runtime where it is proved equal to scikit-learn, scikit-learn otherwise.

Equal means, on every row of `pipeline.engine.probes` that either answers: identical labels, and numbers within a
hundredth of the tolerance of `artifact.tolerance`, so that rows which nobody tried are within all of it.
"""

from __future__ import annotations

from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from artifact.engines.engine import GRAPH, MODEL, ONNX, SKLEARN, runner
from artifact.prediction import Columns, Runner, rows
from artifact.signature import Signature
from pipeline.engine import equality, estimators, transformers
from pipeline.engine.choice import Choice
from pipeline.engine.graph import Column, Graph, NoGraph, columns_of
from pipeline.engine.probes import Probes
from pipeline.shared.stored_columns import beginning

_LARGEST = 32 << 20  # bytes of model.joblib: the graph of more is as large again
_SINGLE = 64  # rows predicted one by one and together, to see whether company changes an answer


def choose(model: bytes, fitted: Any, signature: Signature, *, train: Columns, holdout: Columns) -> Choice:
    """The fastest engine that is proved equal; `model` are the bytes of `fitted`, tables are [rows] a feature."""
    files = {MODEL: model}
    exact = runner(SKLEARN, files, signature)
    agreement = None
    checks = (_several_outputs, _text_may_be_missing, _labels_alone)
    reason = _too_large(model) or next(filter(None, (check(signature) for check in checks)), None)
    if reason is None:
        try:
            graph = convert(fitted, signature)
            candidate = runner(ONNX, files | {GRAPH: graph}, signature)
            agreement = equality.compare(signature, exact, candidate, Probes.of(signature, fitted, train, holdout))
            if agreement.problem is None:
                return Choice(graph, _batch_invariant(candidate, holdout), None, agreement)
            reason = agreement.problem
        except NoGraph as error:
            reason = str(error)
        except Exception as error:
            # A model may raise what it likes on rows that its schema lets in: scikit-learn then serves it, and raises.
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return Choice(None, _batch_invariant(exact, holdout), reason, agreement)


def convert(fitted: Any, signature: Signature) -> bytes:
    """The model as an ONNX graph with one float64 input for all numbers and booleans, [rows, numbers], and one for all
    texts, [rows, texts]: every input costs a request some microseconds. Which columns they are, it says itself
    (`onnx_runner.COLUMNS`). The same bytes each time. NoGraph names a part that has no form in a graph.
    """
    steps = [step for _, step in fitted.steps] if type(fitted) is Pipeline else [fitted]
    graph = Graph()
    texts = {feature.name for feature in signature.inputs if feature.dtype == "string"}
    order = _order(steps[0], signature.names)
    where: dict[str, Column] = {}
    for name, text in (("numbers", False), ("texts", True)):
        columns = [column for column in order if (column in texts) == text]
        if columns:
            where |= zip(columns, columns_of(graph.input(name, columns, text)), strict=True)
    table = [where[name] for name in signature.names]
    for step in steps[:-1]:
        table = transformers.add(graph, step, table)
    estimators.add(graph, steps[-1], graph.gather(table))
    return graph.to_bytes()


def _order(first: Any, names: tuple[str, ...]) -> list[str]:
    """The columns in the order in which the model selects them, so that the graph need not."""
    if not isinstance(first, ColumnTransformer):
        return list(names)
    order = [names[place] for _, _, columns in first.transformers_ for place in transformers.places(columns, names)]
    return list(dict.fromkeys([*order, *names]))


def _batch_invariant(engine: Runner, holdout: Columns) -> bool:
    few = beginning(holdout, _SINGLE)
    together = engine.predict(few)
    for size in (1, 7):
        for start in range(0, rows(few), size):
            alone = engine.predict({name: values[start : start + size] for name, values in few.items()})
            if not alone.equals(together.part(start, start + size)):
                return False
    return True


def _too_large(model: bytes) -> str | None:
    if len(model) > _LARGEST:
        return f"model.joblib has {len(model) >> 20} MiB, more than {_LARGEST >> 20}: its graph would be as large again"
    return None


def _text_may_be_missing(signature: Signature) -> str | None:
    for feature in signature.inputs:
        if feature.nullable and feature.dtype == "string":
            return f"{feature.name!r} is a text that may be missing, which an ONNX tensor cannot say"
    return None


def _several_outputs(signature: Signature) -> str | None:
    if signature.task in ("multilabel", "multioutput", "outliers") or (
        signature.task == "regression" and not _plain(signature)
    ):
        return f"a graph here has one label or one number for a row, and this is {_kind(signature)}"
    return None


def _plain(signature: Signature) -> bool:
    return signature.number and len(signature.outputs) == 1


def _kind(signature: Signature) -> str:
    if signature.task != "regression":
        return f"a model of {signature.task}"
    return "a regression of several targets" if signature.outputs[0].columns else "a regression with an interval"


def _labels_alone(signature: Signature) -> str | None:
    if signature.task == "classification" and len(signature.outputs) == 1:
        return "the model gives labels without probabilities: a graph could not say which rows it has no answer for"
    return None
