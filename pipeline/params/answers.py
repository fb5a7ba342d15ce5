"""A model's answers to held-out rows, and what each row's answer costs: what metrics and slices are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from artifact.output import LOWER, UPPER
from artifact.prediction import Prediction

_TINY = np.finfo(np.float64).eps
BINS = 10  # of the confidence, for the calibration error


@dataclass(frozen=True)
class Answers:
    """Held-out rows and a model's answers to them, [rows].

    `target` and `values` are numbers for a regression ([rows, targets] for several), codes of classes from 0 for a
    classification, 0 and 1 for outliers, and [rows, labels] of 0 and 1 for multilabel. `probabilities` are
    [rows, classes], or [rows, labels]; None where the model gives none. `score` is that of an outlier detector,
    `ends` are those of the interval of a regression, [2, rows]. `names` are the classes in the order of their codes.
    `parts` are those of each target of multioutput, whose `target` and `values` are codes, [rows, targets].
    """

    target: np.ndarray
    values: np.ndarray
    classes: int = 0
    probabilities: np.ndarray | None = None
    score: np.ndarray | None = None
    ends: np.ndarray | None = None
    names: np.ndarray | None = None
    parts: tuple[Answers, ...] = ()

    @classmethod
    def of(cls, task: str, target: np.ndarray, prediction: Prediction, classes: np.ndarray) -> Answers:
        """From the values of the target and the prediction, [rows]; `classes` in the order of the probabilities."""
        more = prediction.more
        if task == "regression":
            ends = np.stack([more[LOWER], more[UPPER]]) if LOWER in more else None
            return cls(target, prediction.values, ends=ends)
        if task == "multilabel":
            flags, labels = target.astype(np.int64), prediction.values.astype(np.int64)
            return cls(flags, labels, 2, prediction.probabilities)
        if task == "outliers":
            return cls(target.astype(np.int64), prediction.values.astype(np.int64), 2, score=more["score"])
        if task == "multioutput":
            parts = _of_each(target, prediction, classes)
            codes, labels = (np.stack([getattr(part, side) for part in parts], axis=1) for side in ("target", "values"))
            return cls(codes, labels, probabilities=prediction.probabilities, parts=parts)
        codes, labels = np.searchsorted(classes, target), np.searchsorted(classes, prediction.values)
        return cls(codes, labels, len(classes), prediction.probabilities, names=classes)

    @property
    def chances(self) -> np.ndarray:
        """`probabilities`, for a metric that needs them."""
        assert self.probabilities is not None
        return self.probabilities

    def named(self, values: np.ndarray) -> np.ndarray:
        """`target` or `values` as the target's own values: of a classification the classes, not their codes."""
        return values if self.names is None else np.asarray(self.names[values])

    @property
    def rankings(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """What is ranked: which rows are positive, and the score of each, [rows], for each class or label of interest.

        Of two classes that is the second, of outliers the outliers.
        """
        if self.score is not None:
            return [(self.target == 1, self.score)]
        chances = self.chances
        if self.target.ndim == 2:
            return [(self.target[:, place] == 1, chances[:, place]) for place in range(chances.shape[1])]
        of_interest = [1] if self.classes == 2 else range(self.classes)
        return [(self.target == code, chances[:, code]) for code in of_interest]

    @property
    def findings(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Which rows are positive and which are answered so, [rows], for each class or label of interest."""
        if self.target.ndim == 2:
            return [(self.target[:, place] == 1, self.values[:, place] == 1) for place in range(self.target.shape[1])]
        of_interest = [1] if self.classes == 2 else range(self.classes)
        return [(self.target == code, self.values == code) for code in of_interest]


def _of_each(target: np.ndarray, prediction: Prediction, classes: np.ndarray) -> tuple[Answers, ...]:
    """The answers for each target, whose probabilities lie side by side; a class that no model knows has none."""
    parts, start = [], 0
    for place, class_labels in enumerate(classes):
        both = [target[:, place], prediction.values[:, place]]
        names = np.array(
            [*class_labels, *sorted(set(both[0].tolist()) - set(class_labels.tolist()))], dtype=class_labels.dtype
        )
        code = {name: number for number, name in enumerate(names.tolist())}
        codes, labels = (np.array([code[value] for value in values.tolist()], dtype=np.int64) for values in both)
        chances = None
        if prediction.probabilities is not None:
            chances = np.zeros((len(target), len(names)))
            chances[:, : len(class_labels)] = prediction.probabilities[:, start : start + len(class_labels)]
        start += len(class_labels)
        parts.append(Answers(codes, labels, len(names), chances, names=names))
    return tuple(parts)


def share_wrong(answers: Answers) -> np.ndarray:
    """1 for a wrong label, 0 for the right one, [rows]; of several labels the share that is wrong."""
    return _per_row(np.asarray(answers.values != answers.target, dtype=np.float64))


def absolute_error(answers: Answers) -> np.ndarray:
    """The distance from the target, in its units, [rows]."""
    return _per_row(np.abs(answers.values - answers.target))


def squared_error(answers: Answers) -> np.ndarray:
    """The square of the distance from the target, [rows]."""
    return _per_row(np.square(answers.values - answers.target))


def share_of_variance(answers: Answers) -> np.ndarray:
    """The squared error as a share of the target's variance over all rows, [rows]."""
    variance = np.var(answers.target, axis=0)
    return _per_row(np.square(answers.values - answers.target) / np.where(variance > 0, variance, 1.0))


def log_loss(answers: Answers) -> np.ndarray:
    """−log of the probability given to each row's own class, [rows]."""
    if answers.target.ndim == 2:
        right = np.where(answers.target == 1, answers.chances, 1 - answers.chances)
        return _per_row(-np.log(np.clip(right, _TINY, 1.0)))
    return np.asarray(-np.log(np.clip(answers.chances[np.arange(len(answers.target)), answers.target], _TINY, 1.0)))


def brier_score(answers: Answers) -> np.ndarray:
    """Squared distance of each row's probabilities from the truth, [rows]; halved for two classes, as scikit-learn."""
    if answers.target.ndim == 2:
        return _per_row(np.square(answers.chances - answers.target))
    hit = np.eye(answers.chances.shape[1])[answers.target]
    total = np.square(answers.chances - hit).sum(axis=1)
    return np.asarray(total / 2 if answers.chances.shape[1] == 2 else total)


def confidence_gap(answers: Answers) -> np.ndarray:
    """1 or 0 for a right or wrong likeliest class, less its probability: [rows], from −1 to 1."""
    return np.asarray((answers.chances.argmax(axis=1) == answers.target) - answers.chances.max(axis=1))


def bins_of(confidence: np.ndarray) -> np.ndarray:
    """Which of BINS equally wide bins of 0 to 1 each value is in, [rows]."""
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def percentage_error(answers: Answers) -> np.ndarray:
    """The distance from the target as a share of its size, [rows]; NaN of a target of 0, which has no share."""
    size = np.abs(answers.target)
    return _per_row(np.abs(answers.values - answers.target) / np.where(size > 0, size, np.nan))


def pinball(answers: Answers, quantile: float) -> np.ndarray:
    """The distance from the target, `quantile` of it where the answer is too low, else the rest of it, [rows].

    (Koenker and Bassett, Regression Quantiles, 1978)
    """
    error = answers.target - answers.values
    return _per_row(np.maximum(quantile * error, (quantile - 1) * error))


def outside(answers: Answers) -> np.ndarray:
    """1 for a target outside its interval, else 0, [rows]."""
    assert answers.ends is not None
    low, high = answers.ends
    return np.asarray((answers.target < low) | (answers.target > high), dtype=np.float64)


def width(answers: Answers) -> np.ndarray:
    """How wide the interval is, in the target's units, [rows]."""
    assert answers.ends is not None
    low, high = answers.ends
    return np.asarray(high - low)


def _per_row(values: np.ndarray) -> np.ndarray:
    """[rows], the mean of [rows, columns]."""
    return np.asarray(values if values.ndim == 1 else values.mean(axis=1))
