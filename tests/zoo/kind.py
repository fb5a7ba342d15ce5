"""The kind of a task: what a caller gets, told apart as docs/models.md tells it."""

from __future__ import annotations

from artifact.signature import Signature


def kind_of(signature: Signature) -> str:
    """The task, and of a classification or regression how many classes, targets or ends it has."""
    first = signature.outputs[0]
    if signature.task == "classification":
        return "two classes" if len(first.categories or ()) == 2 else "several classes"
    if signature.task == "regression":
        several = "regression of several targets" if first.columns else "regression"
        return "regression with an interval" if len(signature.outputs) > 1 else several
    return signature.task
