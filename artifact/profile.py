"""The reference profile: what training saw, so that live inputs can be compared with it later. Never enforced.

Inputs are those of the rows trained on. Answers are those to held-out rows: a model is surer of rows it has learned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from artifact import confidence, strict_json
from artifact.errors import IntegrityError
from artifact.prediction import PROBABILITIES, Columns, Prediction, rows
from artifact.signature import Signature, as_json, label_text

FILE = "profile.json"
_BINS = 10
_TOP = 50
_OTHERS = 8  # one in so many


def reference(
    signature: Signature, train: Columns, held_out: Prediction, right: np.ndarray | None = None
) -> dict[str, Any]:
    """Distribution of each feature of `train` ([rows] each) and of each output of the answers `held_out`.

    Numbers: `edges` (inner edges of up to 10 equally filled bins), `counts` (one more than edges; a value equal to an
    edge belongs to the bin on its right), min and max. Text and booleans: counts of the 50 most frequent values, and
    of all `other` ones. `missing` counts the absent values of either kind. `right`, [rows]: whether each held-out
    answer was; with it, `confidence` says how sure a classification was, and how often right (`artifact.confidence`).
    """
    features = {}
    for feature in signature.inputs:
        column = train[feature.name]
        features[feature.name] = _numbers(column) if feature.numeric else _values(feature.dtype, column)
    sure = confidence.of(signature, held_out)
    return {
        "rows": rows(train),
        "features": features,
        "held_out": len(held_out.values),
        "outputs": {
            name: _numbers(values) if numeric else _values(dtype, values)
            for (name, dtype, numeric), values in zip(series(signature), split(signature, held_out), strict=True)
        },
        "confidence": None if sure is None or right is None else confidence.reference(sure, right),
    }


def frequent(signature: Signature, profile: Mapping[str, Any]) -> dict[str, list[str]]:
    """The most frequent texts of each feature, by its name, where at most an eighth of its rows had other ones."""
    summaries = {
        feature.name: profile["features"][feature.name] for feature in signature.inputs if feature.dtype == "string"
    }
    return {
        name: list(summary["counts"])
        for name, summary in summaries.items()
        if summary["other"] * _OTHERS <= profile["rows"]
    }


def series(signature: Signature) -> list[tuple[str, str, bool]]:
    """What is counted of the answers: name, dtype, and whether it is a number. Probabilities are not.

    An output of several columns is a series for each, named after it; `lower` and `upper` say their output, too.
    """
    first = signature.outputs[0]
    named = []
    for output in signature.outputs:
        if output.name != PROBABILITIES:
            names = output.columns or (output.name,)
            if output.columns and output is not first:
                names = tuple(f"{output.name} {column}" for column in names)
            named += [(name, output.dtype, output.dtype == "float64") for name in names]
    return named


def split(signature: Signature, prediction: Prediction) -> list[np.ndarray]:
    """The values of each of `series`, [rows]."""
    arrays = (prediction.array(output.name) for output in signature.outputs if output.name != PROBABILITIES)
    return [part for array in arrays for part in ([array] if array.ndim == 1 else array.T)]


def read(signature: Signature, data: bytes) -> dict[str, Any]:
    """The profile in the bytes of profile.json, as `reference` has it; IntegrityError (20) unless it or the format of
    version 1, with the one output of training rows as `prediction`, could have made it.
    """
    value = strict_json.read(data, FILE)
    try:
        if type(value) is dict and "prediction" in value:
            _only(value, "rows", "features", "prediction")
            outputs = {signature.outputs[0].name: value.pop("prediction")}
            value |= {"held_out": value["rows"], "outputs": outputs, "confidence": None}
        _only(value, "rows", "features", "held_out", "outputs", "confidence")
        _count(value["rows"], 1)
        _count(value["held_out"], 1)
        _only(value["features"], *signature.names)
        for feature in signature.inputs:
            _check(value["features"][feature.name], feature.numeric, value["rows"])
        _only(value["outputs"], *(name for name, _, _ in series(signature)))
        for name, _, numeric in series(signature):
            _check(value["outputs"][name], numeric, value["held_out"])
        confidence.check(value["confidence"], value["held_out"])
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
    amounts = [*(counts if numeric else counts.values()), summary["missing"], 0 if numeric else summary["other"]]
    for count in amounts:
        _count(count, 0)
    if sum(amounts) != rows:
        raise ValueError(f"{sum(amounts)} values of {rows} rows")


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
    frequent = sorted(Counter(map(label_text, present)).items(), key=lambda item: (-item[1], item[0]))
    return {
        "kind": "categorical",
        "missing": len(column) - len(present),
        "counts": dict(sorted(frequent[:_TOP])),
        "other": sum(count for _, count in frequent[_TOP:]),
    }
