"""What the holdout says of a model: each metric, for any weights of the rows, so that resamples cost no predictions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from artifact.prediction import Prediction
from pipeline.params.thresholds import METRICS

Metric = Callable[[np.ndarray], float]
_TINY = np.finfo(np.float64).eps
BINS = 10  # of the confidence, for the calibration error


def measures(task: str, target: np.ndarray, prediction: Prediction, classes: np.ndarray) -> dict[str, Metric]:
    """Metric name → function of the weights of the rows ([rows], float64); NaN where those rows do not define it.

    `classes` are those of the model, in the order of the columns of `prediction.probabilities`. A metric that needs
    probabilities is left out where the model gives none; the names are among METRICS[task]. Definitions are those of
    sklearn.metrics, with which the tests compare: ROC AUC is one-against-rest weighted by class for more than two. The
    calibration error is the expected one of the likeliest class (Guo et al., On Calibration of Modern Neural Networks,
    2017).
    """
    if task == "regression":
        found = _regression(target, prediction.values)
    else:
        codes = np.searchsorted(classes, target)
        found = _labels(codes, np.searchsorted(classes, prediction.values), len(classes))
        if prediction.probabilities is not None:
            found |= _probabilities(codes, prediction.probabilities)
    return {name: found[name] for name in METRICS[task] if name in found}


def taken(prediction: Prediction, rows: np.ndarray) -> Prediction:
    """The answers for the rows with these numbers, or where this mask is true."""
    return Prediction(
        prediction.values[rows], None if prediction.probabilities is None else prediction.probabilities[rows]
    )


def _regression(target: np.ndarray, values: np.ndarray) -> dict[str, Metric]:
    error = values - target

    def r2(weights: np.ndarray) -> float:
        centre = np.average(target, weights=weights)
        total = float(weights @ np.square(target - centre))
        return 1.0 - float(weights @ np.square(error)) / total if total > 0 else np.nan

    return {
        "mae": lambda weights: float(np.average(np.abs(error), weights=weights)),
        "rmse": lambda weights: float(np.sqrt(np.average(np.square(error), weights=weights))),
        "r2": r2,
    }


def _labels(target: np.ndarray, label: np.ndarray, classes: int) -> dict[str, Metric]:
    cell = target * classes + label

    def confusion(weights: np.ndarray) -> np.ndarray:
        return np.bincount(cell, weights, classes * classes).reshape(classes, classes)

    def balanced(weights: np.ndarray) -> float:
        table = confusion(weights)
        present = table.sum(axis=1) > 0
        return float(np.mean(np.diag(table)[present] / table.sum(axis=1)[present]))

    def f1(weights: np.ndarray) -> float:
        table = confusion(weights)
        sums = table.sum(axis=0) + table.sum(axis=1)
        present = sums > 0
        return float(np.mean(2 * np.diag(table)[present] / sums[present]))

    return {
        "accuracy": lambda weights: float(np.average(target == label, weights=weights)),
        "balanced_accuracy": balanced,
        "f1_macro": f1,
    }


def _probabilities(target: np.ndarray, probabilities: np.ndarray) -> dict[str, Metric]:
    classes = probabilities.shape[1]
    loss = log_losses(target, probabilities)
    of_interest = [1] if classes == 2 else list(range(classes))
    areas = [_area(target == code, probabilities[:, code]) for code in of_interest]

    def roc_auc(weights: np.ndarray) -> float:
        shares = np.array([weights[target == code].sum() for code in of_interest])
        values = np.array([area(weights) for area in areas])
        if classes == 2:
            return float(values[0])
        return float(np.average(values, weights=shares))  # NaN where a class has no row, as scikit-learn has it

    brier = brier_of_rows(target, probabilities)
    gap, part = confidence_gap(target, probabilities), bins_of(probabilities.max(axis=1))

    def calibration_error(weights: np.ndarray) -> float:
        return float(np.abs(np.bincount(part, weights * gap, BINS)).sum() / weights.sum())

    return {
        "log_loss": lambda weights: float(np.average(loss, weights=weights)),
        "roc_auc": roc_auc,
        "brier": lambda weights: float(np.average(brier, weights=weights)),
        "calibration_error": calibration_error,
    }


def log_losses(target: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """−log of the probability given to each row's own class (a code from 0), [rows]."""
    return np.asarray(-np.log(np.clip(probabilities[np.arange(len(target)), target], _TINY, 1.0)))


def brier_of_rows(target: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Squared distance of each row's probabilities from the truth, [rows]; halved for two classes, as scikit-learn."""
    hit = np.eye(probabilities.shape[1])[target]
    total = np.square(probabilities - hit).sum(axis=1)
    return np.asarray(total / 2 if probabilities.shape[1] == 2 else total)


def confidence_gap(target: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """1 or 0 for a right or wrong likeliest class, less its probability: [rows], from −1 to 1."""
    return np.asarray((probabilities.argmax(axis=1) == target) - probabilities.max(axis=1))


def bins_of(confidence: np.ndarray) -> np.ndarray:
    """Which of BINS equally wide bins of 0 to 1 each value is in, [rows]."""
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def _area(positive: np.ndarray, score: np.ndarray) -> Metric:
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    ordered = positive[order]

    def area(weights: np.ndarray) -> float:
        weighed = weights[order]
        ups = np.add.reduceat(np.where(ordered, weighed, 0.0), starts)
        downs = np.add.reduceat(np.where(ordered, 0.0, weighed), starts)
        pairs = ups.sum() * downs.sum()
        below = np.cumsum(downs) - downs / 2
        return float(ups @ below / pairs) if pairs > 0 else np.nan

    return area
