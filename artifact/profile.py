"""The reference profile: what training saw, so that live inputs can be compared with it later. Never enforced."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from artifact import strict_json
from artifact.errors import IntegrityError
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


def read(signature: Signature, data: bytes) -> dict[str, Any]:
    """The profile in the bytes of profile.json; IntegrityError (20) unless `reference` could have made it."""
    value = strict_json.read(data, FILE)
    try:
        _only(value, "rows", "features", "prediction")
        _count(value["rows"], 1)
        _only(value["features"], *signature.names)
        for feature in signature.inputs:
            _check(value["features"][feature.name], feature.dtype in ("float64", "int64"), value["rows"])
        _check(value["prediction"], signature.task == "regression", value["rows"])
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{FILE} is no profile of this model: {error!s:.200}; package the model again") from error
    return dict(value)


def _check(summary: Any, numeric: bool, rows: int) -> None:
    kind, names = ("numeric", ("edges", "min", "max")) if numeric else ("categorical", ("other",))
    _only(summary, "kind", "missing", "counts", *names)
    if summary["kind"] != kind:
        raise ValueError(f"{summary['kind']!r:.80} where {kind!r} is due")
    counts = summary["counts"]
    if numeric:
        edges, ends = summary["edges"], (summary["min"], summary["max"])
        values = [value for value in (ends[0], *edges, ends[1]) if value is not None]
        if None in ends and (edges or ends != (None, None)):
            raise ValueError("edges without a least and a greatest value")
        for value in values:
            _number(value)
        # A bin begins with its edge, so that the first may be the least value.
        if sorted(values) != values or len(set(edges)) != len(edges):
            raise ValueError("the edges do not rise from the least to the greatest value")
        if type(counts) is not list or len(counts) != len(edges) + 1 or len(edges) >= _BINS:
            raise ValueError(f"{len(counts)} bins with {len(edges)} edges")
    elif type(counts) is not dict or len(counts) > _TOP:
        raise ValueError(f"'counts' of categories are not at most {_TOP} names")
    counted = [*(counts if numeric else counts.values()), summary["missing"], 0 if numeric else summary["other"]]
    for count in counted:
        _count(count, 0)
    if sum(counted) != rows:
        raise ValueError(f"{sum(counted)} values of {rows} rows")


def _only(value: Any, *names: str) -> None:
    if type(value) is not dict or value.keys() != set(names):
        raise ValueError(f"{value!r:.80} where an object of {', '.join(names):.80} is due")


def _number(value: Any) -> None:
    if type(value) is not float and (type(value) is not int or abs(value) > 2**53):
        raise ValueError(f"{value!r:.80} where a number is due")


def _count(value: Any, least: int) -> None:
    if type(value) is not int or not least <= value < 2**53:
        raise ValueError(f"{value!r:.80} where a count is due")


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
