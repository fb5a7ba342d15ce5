"""How an answer follows from a model's numbers: thresholds, or what each kind of mistake costs. Part of the artifact.

Without a decision the estimator's own labels are answered. With one, the label comes from the probabilities (or the
score of an outlier detector), whichever engine computed them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from artifact.prediction import Columns, Prediction, Runner
from artifact.signature import Signature


@dataclass(frozen=True)
class Decision:
    """One of the two is given.

    `thresholds`: of a classification one a class, and the label is the class whose probability is the largest multiple
    of its threshold, so that t for one of two classes and 1 − t for the other mean "from t on"; of a multilabel model
    one a label, of an outlier detector one, each of which means "from here on". `costs`: of a classification,
    [true class][answered class]; the label is the class of the least expected cost (Elkan, The Foundations of
    Cost-Sensitive Learning, 2001).
    """

    thresholds: tuple[float, ...] | None = None
    costs: tuple[tuple[float, ...], ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form in the manifest."""
        if self.thresholds is not None:
            return {"thresholds": list(self.thresholds)}
        return {"costs": [list(row) for row in self.costs or ()]}

    @classmethod
    def from_dict(cls, value: Any, signature: Signature) -> Self:
        """Read the JSON form; ValueError where it does not fit the signature."""
        if type(value) is not dict or len(value) != 1:
            raise ValueError(f"'decision' is {value!r:.80}, not an object of thresholds or costs")
        ((kind, numbers),) = value.items()
        decision = cls(
            tuple(numbers) if kind == "thresholds" else None,
            tuple(map(tuple, numbers)) if kind == "costs" else None,
        )
        decision.check(signature)
        return decision

    def check(self, signature: Signature) -> None:
        """ValueError where the numbers are not finite, or not as many as the model has classes, labels or scores."""
        count = _count(signature)
        if self.thresholds is not None:
            flat, right = self.thresholds, len(self.thresholds) == count
            if signature.task != "outliers":
                right = right and all(0 < number <= 1 for number in flat if isinstance(number, int | float))
        else:
            rows = self.costs or ()
            flat = tuple(number for row in rows for number in row)
            right = len(rows) == count and all(len(row) == count for row in rows) and signature.task == "classification"
        if not right or any(type(number) not in (int, float) or not math.isfinite(number) for number in flat):
            raise ValueError(f"the decision {self.to_dict()!r:.200} does not fit a {signature.task} of {count}")

    def label_places(self, probabilities: np.ndarray) -> np.ndarray:
        """Places of the classes to answer, [rows], for probabilities [rows, classes]."""
        if self.costs is not None:
            places: np.ndarray = np.argmin(probabilities @ np.array(self.costs), axis=1)
            return places
        thresholds = np.array(self.thresholds)
        if len(thresholds) == 2 and math.isclose(thresholds.sum(), 1.0):
            return np.asarray(probabilities[:, 1] >= thresholds[1], dtype=np.int64)
        return np.asarray(np.argmax(probabilities / thresholds, axis=1))


@dataclass(frozen=True)
class Decided:
    """Answers as `runner` does, with the labels that `decision` says."""

    runner: Runner
    decision: Decision
    signature: Signature

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        return decided(self.decision, self.signature, self.runner.predict(columns))


def decided(decision: Decision, signature: Signature, prediction: Prediction) -> Prediction:
    """`prediction` with the labels that `decision` says."""
    if signature.task == "outliers":
        assert decision.thresholds is not None  # checked where the decision was read
        values = prediction.more["score"] >= decision.thresholds[0]
    else:
        probabilities = prediction.array("probabilities")
        if signature.task == "multilabel":
            values = probabilities >= np.array(decision.thresholds)
        else:
            values = _classes(signature, prediction.values)[decision.label_places(probabilities)]
    return Prediction(values, prediction.probabilities, prediction.more)


def _classes(signature: Signature, like: np.ndarray) -> np.ndarray:
    classes = np.empty(len(signature.outputs[0].categories or ()), dtype=like.dtype)
    classes[:] = signature.outputs[0].categories or ()
    return classes


def _count(signature: Signature) -> int:
    """How many classes or labels have a probability; 1 for a score, 0 for a model without either."""
    if signature.task == "outliers":
        return 1
    return next((len(output.columns or ()) for output in signature.outputs if output.name == "probabilities"), 0)


def of_manifest(value: Any, signature: Signature) -> Decision | None:
    """The decision of a manifest, None for none; ValueError where it does not fit the signature."""
    return None if value is None else Decision.from_dict(value, signature)


def to_manifest(decision: Decision | None) -> Mapping[str, Any] | None:
    """The JSON form, None for none."""
    return None if decision is None else decision.to_dict()
