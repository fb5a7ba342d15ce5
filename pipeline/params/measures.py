"""How each metric is computed: from a model's answers to a function of the weights of the rows.

So that resamples cost no predictions. Definitions are those of sklearn.metrics, with which the tests compare.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from artifact.errors import ConfigurationError
from pipeline.params import answers as rows
from pipeline.params.answers import Answers

Metric = Callable[[np.ndarray], float]


def accuracy(answers: Answers) -> Metric:
    """Share of rows with the right label, or with all of several labels right."""
    right = answers.target == answers.values
    whole = right if right.ndim == 1 else right.all(axis=1)
    return lambda weights: float(np.average(whole, weights=weights))


def _confusion(answers: Answers) -> Callable[[np.ndarray], np.ndarray]:
    cell, classes = answers.target * answers.classes + answers.values, answers.classes
    return lambda weights: np.bincount(cell, weights, classes * classes).reshape(classes, classes)


def balanced_accuracy(answers: Answers) -> Metric:
    """Mean recall of the classes that have a row."""
    confusion = _confusion(answers)

    def balanced(weights: np.ndarray) -> float:
        table = confusion(weights)
        present = table.sum(axis=1) > 0
        return float(np.mean(np.diag(table)[present] / table.sum(axis=1)[present]))

    return balanced


def f1_macro(answers: Answers) -> Metric:
    """Mean F1 of the classes that have a row, or an answer."""
    if answers.target.ndim == 2:
        return _of_findings(answers, lambda hits, positives, answered: 2 * hits, lambda h, p, a: p + a)
    confusion = _confusion(answers)

    def f1(weights: np.ndarray) -> float:
        table = confusion(weights)
        sums = table.sum(axis=0) + table.sum(axis=1)
        present = sums > 0
        return float(np.mean(2 * np.diag(table)[present] / sums[present]))

    return f1


_Count = Callable[[float, float, float], float]


def _of_findings(answers: Answers, above: _Count, below: _Count) -> Metric:
    """The mean over the classes of interest of a quotient of three sums of weights: of rows rightly answered so, of
    rows that are so, of rows that are answered so. 0 where nothing is below, as scikit-learn has it.
    """

    def measure(weights: np.ndarray) -> float:
        shares = []
        for positive, answered in answers.findings:
            sums = [float(weights[rows].sum()) for rows in (positive & answered, positive, answered)]
            least = below(*sums)
            shares.append(above(*sums) / least if least > 0 else 0.0)
        return float(np.mean(shares))

    return measure


def precision(answers: Answers) -> Metric:
    """Share of rows answered as of interest that are."""
    return _of_findings(answers, lambda hits, positives, answered: hits, lambda hits, positives, answered: answered)


def recall(answers: Answers) -> Metric:
    """Share of rows of interest that are answered so."""
    return _of_findings(answers, lambda hits, positives, answered: hits, lambda hits, positives, answered: positives)


def f_beta(beta: float) -> Callable[[Answers], Metric]:
    """(van Rijsbergen, Information Retrieval, 1979): recall counts beta times as much as precision."""
    square = beta * beta
    return lambda answers: _of_findings(
        answers,
        lambda hits, positives, answered: (1 + square) * hits,
        lambda hits, positives, answered: square * positives + answered,
    )


def average_precision(answers: Answers) -> Metric:
    """Mean precision over all thresholds."""
    curves = [_steps(positive, score) for positive, score in answers.rankings]
    return lambda weights: float(np.mean([curve(weights) for curve in curves]))


def _steps(positive: np.ndarray, score: np.ndarray) -> Metric:
    """The mean precision over the recalls that are reached, from the highest score down; NaN without a positive row."""
    order = np.argsort(-score, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(score[order]) < 0), len(order) - 1]
    ordered = positive[order]

    def average(weights: np.ndarray) -> float:
        weighed = weights[order]
        hits, answered = np.cumsum(np.where(ordered, weighed, 0.0))[ends], np.cumsum(weighed)[ends]
        if hits[-1] <= 0:
            return np.nan
        precision = np.divide(hits, answered, out=np.zeros_like(hits), where=answered > 0)
        return float(np.diff(hits, prepend=0.0) @ precision / hits[-1])

    return average


def mean_of(loss: Callable[[Answers], np.ndarray]) -> Callable[[Answers], Metric]:
    """The mean of what each row costs."""

    def of(answers: Answers) -> Metric:
        costs = loss(answers)
        return lambda weights: float(np.average(costs, weights=weights))

    return of


def by_function(function: Callable[..., Any], name: str, probabilities: bool) -> Callable[[Answers], Metric]:
    """What `function` returns for target, answers and weights, [rows] each: docs/models.md.

    With `probabilities` it takes these in the place of the answers, or the score of outliers. ConfigurationError (10)
    with its import `name` where it raises, or returns no number.
    """

    def of(answers: Answers) -> Metric:
        target, answered = answers.named(answers.target), answers.named(answers.values)
        if probabilities:
            answered = answers.chances if answers.score is None else answers.score

        def measure(weights: np.ndarray) -> float:
            try:
                return float(function(target, answered, weights))
            except Exception as error:
                raise ConfigurationError(
                    f"the metric {name} fails: {type(error).__name__}: {error}; it takes target, answers and weights, "
                    "and returns a number"
                ) from error

        return measure

    return of


def log_loss(answers: Answers) -> Metric:
    """Mean of −log of the probability of the truth."""
    loss = rows.log_loss(answers)
    return lambda weights: float(np.average(loss, weights=weights))


def roc_auc(answers: Answers) -> Metric:
    """Area under the curve of hits over false alarms."""
    rankings = answers.rankings
    areas = [_area(positive, score) for positive, score in rankings]
    # Of several classes each counts as often as it is, as scikit-learn has it; of several labels all alike.
    by_share = answers.target.ndim == 1 and len(rankings) > 1

    def roc_auc(weights: np.ndarray) -> float:
        values = np.array([area(weights) for area in areas])
        if not by_share:
            return float(values.mean())
        shares = np.array([weights[positive].sum() for positive, _ in rankings])
        return float(np.average(values, weights=shares))  # NaN where a class has no row

    return roc_auc


def brier(answers: Answers) -> Metric:
    """Mean squared distance of the probabilities from the truth."""
    brier = rows.brier_score(answers)
    return lambda weights: float(np.average(brier, weights=weights))


def calibration_error(answers: Answers) -> Metric:
    """Expected calibration error of the likeliest class."""
    gap, part = rows.confidence_gap(answers), rows.bins_of(answers.chances.max(axis=1))
    return lambda weights: float(np.abs(np.bincount(part, weights * gap, rows.BINS)).sum() / weights.sum())


def mae(answers: Answers) -> Metric:
    """Mean absolute error."""
    error = rows.absolute_error(answers)
    return lambda weights: float(np.average(error, weights=weights))


def rmse(answers: Answers) -> Metric:
    """Root of the mean squared error; of several targets the mean of theirs."""
    error = np.square(answers.values - answers.target)
    return lambda weights: float(np.mean(np.sqrt(np.average(error, axis=0, weights=weights))))


def mape(answers: Answers) -> Metric:
    """Mean error as a share of the target."""
    error = rows.percentage_error(answers)
    return lambda weights: float(np.average(error, weights=weights))


def coverage(answers: Answers) -> Metric:
    """Share of rows within their interval."""
    outside = rows.outside(answers)
    return lambda weights: 1.0 - float(np.average(outside, weights=weights))


def width(answers: Answers) -> Metric:
    """Mean width of the intervals."""
    width = rows.width(answers)
    return lambda weights: float(np.average(width, weights=weights))


def r2(answers: Answers) -> Metric:
    """Share of variance explained; of several targets the mean of theirs."""
    target, error = answers.target, np.square(answers.values - answers.target)

    def r2(weights: np.ndarray) -> float:
        centre = np.average(target, axis=0, weights=weights)
        total = weights @ np.square(target - centre)
        if not np.all(total > 0):
            return np.nan
        return float(np.mean(1.0 - weights @ error / total))

    return r2


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
