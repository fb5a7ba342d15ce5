"""A model's answers to held-out rows, and what each row's answer costs: what metrics and slices are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from artifact.prediction import Prediction

_TINY = np.finfo(np.float64).eps
BINS = 10  # of the confidence, for the calibration error


@dataclass(frozen=True)
class Answers:
    """Held-out rows and a model's answers to them, [rows].

    `target` and `values` are numbers for a regression, else codes of classes from 0; `probabilities` are
    [rows, classes], None where the model gives none.
    """

    target: np.ndarray
    values: np.ndarray
    classes: int = 0
    probabilities: np.ndarray | None = None

    @classmethod
    def of(cls, task: str, target: np.ndarray, prediction: Prediction, classes: np.ndarray) -> Answers:
        """From the values of the target and the prediction, [rows]; `classes` in the order of the probabilities."""
        if task == "regression":
            return cls(target, prediction.values)
        codes, labels = np.searchsorted(classes, target), np.searchsorted(classes, prediction.values)
        return cls(codes, labels, len(classes), prediction.probabilities)

    @property
    def chances(self) -> np.ndarray:
        """`probabilities`, for a metric that needs them."""
        assert self.probabilities is not None
        return self.probabilities


def share_wrong(answers: Answers) -> np.ndarray:
    """1 for a wrong label, 0 for the right one, [rows]."""
    return np.asarray(answers.values != answers.target, dtype=np.float64)


def absolute_error(answers: Answers) -> np.ndarray:
    """The distance from the target, in its units, [rows]."""
    return np.asarray(np.abs(answers.values - answers.target))


def squared_error(answers: Answers) -> np.ndarray:
    """The square of the distance from the target, [rows]."""
    return np.asarray(np.square(answers.values - answers.target))


def share_of_variance(answers: Answers) -> np.ndarray:
    """The squared error as a share of the target's variance over all rows, [rows]."""
    return np.asarray(squared_error(answers) / (float(np.var(answers.target)) or 1.0))


def log_loss(answers: Answers) -> np.ndarray:
    """−log of the probability given to each row's own class, [rows]."""
    return np.asarray(-np.log(np.clip(answers.chances[np.arange(len(answers.target)), answers.target], _TINY, 1.0)))


def brier_score(answers: Answers) -> np.ndarray:
    """Squared distance of each row's probabilities from the truth, [rows]; halved for two classes, as scikit-learn."""
    hit = np.eye(answers.chances.shape[1])[answers.target]
    total = np.square(answers.chances - hit).sum(axis=1)
    return np.asarray(total / 2 if answers.chances.shape[1] == 2 else total)


def confidence_gap(answers: Answers) -> np.ndarray:
    """1 or 0 for a right or wrong likeliest class, less its probability: [rows], from −1 to 1."""
    return np.asarray((answers.chances.argmax(axis=1) == answers.target) - answers.chances.max(axis=1))


def bins_of(confidence: np.ndarray) -> np.ndarray:
    """Which of BINS equally wide bins of 0 to 1 each value is in, [rows]."""
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
