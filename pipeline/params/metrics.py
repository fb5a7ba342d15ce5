"""The catalogue of metrics: all that params.yaml may name, the gate compare and the report explain, one entry each.

An entry says what the metric is called, which way it is better and how it is computed. A metric is a function of the
weights of the rows, so that resamples cost no predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from artifact.prediction import Prediction
from pipeline.params import answers as rows
from pipeline.params.answers import Answers

Metric = Callable[[np.ndarray], float]


def _accuracy(answers: Answers) -> Metric:
    return lambda weights: float(np.average(answers.target == answers.values, weights=weights))


def _confusion(answers: Answers) -> Callable[[np.ndarray], np.ndarray]:
    cell, classes = answers.target * answers.classes + answers.values, answers.classes
    return lambda weights: np.bincount(cell, weights, classes * classes).reshape(classes, classes)


def _balanced_accuracy(answers: Answers) -> Metric:
    confusion = _confusion(answers)

    def balanced(weights: np.ndarray) -> float:
        table = confusion(weights)
        present = table.sum(axis=1) > 0
        return float(np.mean(np.diag(table)[present] / table.sum(axis=1)[present]))

    return balanced


def _f1_macro(answers: Answers) -> Metric:
    confusion = _confusion(answers)

    def f1(weights: np.ndarray) -> float:
        table = confusion(weights)
        sums = table.sum(axis=0) + table.sum(axis=1)
        present = sums > 0
        return float(np.mean(2 * np.diag(table)[present] / sums[present]))

    return f1


def _log_loss(answers: Answers) -> Metric:
    loss = rows.log_loss(answers)
    return lambda weights: float(np.average(loss, weights=weights))


def _roc_auc(answers: Answers) -> Metric:
    target, probabilities = answers.target, answers.chances
    classes = probabilities.shape[1]
    of_interest = [1] if classes == 2 else list(range(classes))
    areas = [_area(target == code, probabilities[:, code]) for code in of_interest]

    def roc_auc(weights: np.ndarray) -> float:
        shares = np.array([weights[target == code].sum() for code in of_interest])
        values = np.array([area(weights) for area in areas])
        if classes == 2:
            return float(values[0])
        return float(np.average(values, weights=shares))  # NaN where a class has no row, as scikit-learn has it

    return roc_auc


def _brier(answers: Answers) -> Metric:
    brier = rows.brier_score(answers)
    return lambda weights: float(np.average(brier, weights=weights))


def _calibration_error(answers: Answers) -> Metric:
    gap, part = rows.confidence_gap(answers), rows.bins_of(answers.chances.max(axis=1))
    return lambda weights: float(np.abs(np.bincount(part, weights * gap, rows.BINS)).sum() / weights.sum())


def _mae(answers: Answers) -> Metric:
    error = rows.absolute_error(answers)
    return lambda weights: float(np.average(error, weights=weights))


def _rmse(answers: Answers) -> Metric:
    error = rows.squared_error(answers)
    return lambda weights: float(np.sqrt(np.average(error, weights=weights)))


def _r2(answers: Answers) -> Metric:
    target, error = answers.target, rows.squared_error(answers)

    def r2(weights: np.ndarray) -> float:
        centre = np.average(target, weights=weights)
        total = float(weights @ np.square(target - centre))
        return 1.0 - float(weights @ error) / total if total > 0 else np.nan

    return r2


@dataclass(frozen=True)
class Loss:
    """What one row costs a model, less is better: it can be averaged over any slice, which a ranking cannot.

    `root`: the metric is the root of the mean of this loss.
    """

    name: str
    of: Callable[[Answers], np.ndarray]
    root: bool = False


_WRONG = Loss("share wrong", rows.share_wrong)
_LOG = Loss("log loss", rows.log_loss)
_BRIER = Loss("Brier score", rows.brier_score)
_ABSOLUTE = Loss("absolute error", rows.absolute_error)
_SQUARED = Loss("squared error", rows.squared_error, root=True)
_VARIANCE = Loss("share of variance", rows.share_of_variance)


@dataclass(frozen=True)
class Entry:
    """A metric called `name` of a `task`; `words` say to people what it is, `of` computes it, `loss` judges slices.

    `margin` is how much worse than the champion is still as good, in units of the metric; None where that depends on
    the target's own units, or where champion and challenger are not `compared` by it. `searched`: may decide a search.
    """

    name: str
    task: str
    words: str
    of: Callable[[Answers], Metric]
    loss: Loss
    more_is_better: bool
    margin: float | None
    needs_probabilities: bool = False
    searched: bool = True
    compared: bool = True


# In the order in which they are reported.
_ENTRIES = (
    Entry("accuracy", "classification", "share of rows with the right label", _accuracy, _WRONG, True, 0.01),
    Entry(
        "balanced_accuracy", "classification", "the same, each class counting equally",
        _balanced_accuracy, _WRONG, True, 0.01,
    ),
    Entry(
        "f1_macro", "classification", "how well classes are found without false alarms, each counting equally",
        _f1_macro, _WRONG, True, 0.01,
    ),
    Entry(
        "log_loss", "classification", "how surprised the model is by the truth", _log_loss, _LOG, False, 0.02,
        needs_probabilities=True,
    ),
    Entry(
        "roc_auc", "classification", "chance that a row of a class is ranked above one of another", _roc_auc, _LOG,
        True, 0.01, needs_probabilities=True,
    ),
    Entry(
        "brier", "classification", "squared distance of the probabilities from the truth", _brier, _BRIER, False, 0.01,
        needs_probabilities=True, searched=False,
    ),
    Entry(
        "calibration_error", "classification", "how far its certainty is from how often it is right",
        _calibration_error, _WRONG, False, None, needs_probabilities=True, searched=False, compared=False,
    ),
    Entry("mae", "regression", "mean error, in the target's units", _mae, _ABSOLUTE, False, None),
    Entry("rmse", "regression", "root of the mean squared error, in the target's units", _rmse, _SQUARED, False, None),
    Entry("r2", "regression", "share of the target's variance that is explained", _r2, _VARIANCE, True, 0.01),
)  # fmt: skip
CATALOGUE = {entry.name: entry for entry in _ENTRIES}


def names(task: str, *, searched: bool = False, compared: bool = False) -> tuple[str, ...]:
    """The metrics of a task in their order; only those that may decide a search, or a comparison, where asked."""
    return tuple(
        entry.name
        for entry in _ENTRIES
        if entry.task == task and (entry.searched or not searched) and (entry.compared or not compared)
    )


def measures(task: str, target: np.ndarray, prediction: Prediction, classes: np.ndarray) -> dict[str, Metric]:
    """Metric name → function of the weights of the rows ([rows], float64); NaN where those rows do not define it.

    `classes` are those of the model, in the order of the columns of `prediction.probabilities`. A metric that needs
    probabilities is left out where the model gives none. Definitions are those of sklearn.metrics, with which the tests
    compare: ROC AUC is one-against-rest weighted by class for more than two. The calibration error is the expected one
    of the likeliest class (Guo et al., On Calibration of Modern Neural Networks, 2017).
    """
    answers = Answers.of(task, target, prediction, classes)
    return {
        name: CATALOGUE[name].of(answers)
        for name in names(task)
        if answers.probabilities is not None or not CATALOGUE[name].needs_probabilities
    }


def default(task: str, probabilities: bool) -> str:
    """The metric that decides where params.yaml names none.

    Log loss where there are probabilities: it weighs every row's answer, and so sees with some hundred rows what
    accuracy sees with many thousands. R² for a regression: it orders models as RMSE does, and its margin needs no
    knowledge of the target's units.
    """
    if task == "regression":
        return "r2"
    return "log_loss" if probabilities else "accuracy"


def losses(
    metric: str, task: str, target: np.ndarray, prediction: Prediction, classes: np.ndarray
) -> tuple[Loss, np.ndarray]:
    """The loss that goes with `metric`, and its value for each row, [rows].

    A model without probabilities is judged by its labels, whatever the metric.
    """
    entry = CATALOGUE[metric]
    loss = _WRONG if entry.needs_probabilities and prediction.probabilities is None else entry.loss
    return loss, loss.of(Answers.of(task, target, prediction, classes))


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
