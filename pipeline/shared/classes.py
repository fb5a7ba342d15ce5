"""The classes that a model knows, as metrics take them."""

from __future__ import annotations

import numpy as np

from artifact.output import classes_of
from artifact.signature import Signature


def of(signature: Signature) -> np.ndarray:
    """The classes of a classification in the order of its probabilities, an array of them a target; else empty."""
    first = signature.outputs[0]
    kind = object if first.dtype == "string" else None
    if signature.task == "classification":
        return np.array(first.categories or (), dtype=kind)
    several = (
        [np.array(labels, dtype=kind) for labels in classes_of(signature.outputs)]
        if signature.task == "multioutput"
        else []
    )
    classes = np.empty(len(several), dtype=object)
    classes[:] = several
    return classes
