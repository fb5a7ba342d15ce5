"""Calibration: how sure a model says it is, against how often it is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact.prediction import Prediction
from pipeline.params.answers import BINS, Answers, bins_of


def curve(task: str, target: np.ndarray, prediction: Prediction, classes: np.ndarray) -> list[dict[str, Any]]:
    """Bins of the holdout, each with its `rows`, and the means of what was `predicted` and `observed` in it.

    Classification: the probability of the likeliest class, in 10 equally wide bins, against the share of rows where it
    was right; empty without probabilities, and for outliers. Multilabel: the probability of each label against how
    often it is there. Multioutput: as a classification, all targets together.
    Regression, of several targets all together: the prediction in 10 equally filled bins against
    the target.
    """
    if task == "multilabel" and prediction.probabilities is not None:
        chances = prediction.probabilities.ravel()
        return _bins(bins_of(chances), chances, target.ravel().astype(np.float64))
    if task == "multioutput" and prediction.probabilities is not None:
        parts = Answers.of(task, target, prediction, classes).parts
        likeliest = np.concatenate([part.chances.max(axis=1) for part in parts])
        right = np.concatenate([part.chances.argmax(axis=1) == part.target for part in parts])
        return _bins(bins_of(likeliest), likeliest, right.astype(np.float64))
    if task == "regression":
        target, values = target.ravel(), prediction.values.ravel()
        order = np.argsort(values, kind="stable")
        part = np.empty(len(order), dtype=np.int64)
        part[order] = np.arange(len(order)) * BINS // len(order)
        return _bins(part, values, target)
    if prediction.probabilities is None:
        return []
    likeliest = prediction.probabilities.max(axis=1)
    right = classes[prediction.probabilities.argmax(axis=1)] == target
    return _bins(bins_of(likeliest), likeliest, right.astype(np.float64))


def _bins(part: np.ndarray, predicted: np.ndarray, observed: np.ndarray) -> list[dict[str, Any]]:
    rows = np.bincount(part, minlength=BINS)
    sums = [np.bincount(part, values, BINS) for values in (predicted, observed)]
    return [
        {
            "rows": int(rows[number]),
            "predicted": float(sums[0][number] / rows[number]),
            "observed": float(sums[1][number] / rows[number]),
        }
        for number in np.flatnonzero(rows)
    ]
