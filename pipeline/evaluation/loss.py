"""What each held-out row costs a model: rows can be averaged over any slice, which a ranking such as ROC AUC cannot."""

from __future__ import annotations

import numpy as np

from artifact.prediction import Prediction
from pipeline.params import metrics


def of_rows(
    metric: str, task: str, target: np.ndarray, prediction: Prediction, classes: np.ndarray
) -> tuple[str, np.ndarray]:
    """The name of the loss that goes with `metric`, and its value for each row, [rows]; less is better.

    Labels: 1 for a wrong one. Probabilities: log loss, or the Brier score. Regressions: the absolute error, the squared
    error, or (for R²) the squared error as a share of the target's variance over all rows.
    """
    if task == "regression":
        error = prediction.values - target
        if metric == "mae":
            return "absolute error", np.abs(error)
        variance = float(np.var(target)) or 1.0
        return (
            ("squared error", np.square(error))
            if metric == "rmse"
            else ("share of variance", np.square(error) / variance)
        )
    codes = np.searchsorted(classes, target)
    if metric in ("log_loss", "roc_auc") and prediction.probabilities is not None:
        return "log loss", metrics.log_losses(codes, prediction.probabilities)
    if metric == "brier" and prediction.probabilities is not None:
        return "Brier score", metrics.brier_of_rows(codes, prediction.probabilities)
    return "share wrong", np.asarray(prediction.values != target, dtype=np.float64)


def default_metric(task: str, prediction: Prediction) -> str:
    """What slices are judged by where the gate names nothing else."""
    if task == "regression":
        return "r2"
    return "accuracy" if prediction.probabilities is None else "log_loss"
