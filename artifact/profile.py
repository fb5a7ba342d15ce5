"""The reference profile: what training saw, so that live inputs can be compared with it later. Never enforced."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from artifact.prediction import Columns, Prediction, rows
from artifact.signature import Signature, as_json, label_text

FILE = "profile.json"
_BINS = 10
_TOP = 50


def reference(signature: Signature, columns: Columns, prediction: Prediction) -> dict[str, Any]:
    """Distribution of each feature of `columns` ([rows] each) and of the predictions made on it.

    Numbers: `edges` (inner edges of up to 10 equally filled bins), `counts` (one more than edges; a value equal to an
    edge belongs to the bin on its right), min and max. Text and booleans: counts of the 50 most frequent values, and
    of all `other` ones. `missing` counts the absent values of either kind.
    """
    features = {}
    for feature in signature.inputs:
        column = columns[feature.name]
        features[feature.name] = (
            _numbers(column) if feature.dtype in ("float64", "int64") else _values(feature.dtype, column)
        )
    output = signature.outputs[0]
    answers = (
        _numbers(prediction.values) if signature.task == "regression" else _values(output.dtype, prediction.values)
    )
    return {"rows": rows(columns), "features": features, "prediction": answers}


def _numbers(column: np.ndarray) -> dict[str, Any]:
    present = column[column == column].astype(np.float64)
    summary: dict[str, Any] = {"kind": "numeric", "missing": int(len(column) - len(present))}
    if len(present) == 0:
        return summary | {"edges": [], "counts": [0], "min": None, "max": None}
    # method="lower" picks values that occur, so that the edges do not depend on how a platform interpolates.
    edges = np.unique(np.quantile(present, np.linspace(0, 1, _BINS + 1)[1:-1], method="lower"))
    counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
    return summary | {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "min": float(present.min()),
        "max": float(present.max()),
    }


def _values(dtype: str, column: np.ndarray) -> dict[str, Any]:
    present = [as_json(value) for value in column.tolist() if value == value]
    if dtype == "bool":
        present = [bool(value) for value in present]
    counted = sorted(Counter(map(label_text, present)).items(), key=lambda item: (-item[1], item[0]))
    return {
        "kind": "categorical",
        "missing": len(column) - len(present),
        "counts": dict(sorted(counted[:_TOP])),
        "other": sum(count for _, count in counted[_TOP:]),
    }
