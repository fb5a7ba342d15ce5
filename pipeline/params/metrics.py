"""The catalogue of metrics: all that params.yaml may name, the gate compare and the report explain, one entry each.

An entry says what the metric is called, which way it is better and how it is computed. A metric is a function of the
weights of the rows, so that resamples cost no predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import WithJsonSchema

from artifact.prediction import Prediction
from pipeline.params import answers as rows
from pipeline.params import measures as by
from pipeline.params.answers import Answers
from pipeline.params.measures import Metric


@dataclass(frozen=True)
class Loss:
    """What one row costs a model, less is better: it can be averaged over any slice, which a ranking cannot.

    `root`: the metric is the root of the mean of this loss.
    """

    name: str
    of: Callable[[Answers], np.ndarray]
    root: bool = False


WRONG = Loss("share wrong", rows.share_wrong)
LOG = Loss("log loss", rows.log_loss)
_BRIER = Loss("Brier score", rows.brier_score)
ABSOLUTE = Loss("absolute error", rows.absolute_error)
_SQUARED = Loss("squared error", rows.squared_error, root=True)
_VARIANCE = Loss("share of variance", rows.share_of_variance)
_PERCENTAGE = Loss("share of the target", rows.percentage_error)


@dataclass(frozen=True)
class Entry:
    """A metric called `name` of some `tasks`; `words` say to people what it is, `of` computes it, `loss` judges slices.

    `margin` is how much worse than the champion is still as good, in units of the metric; None where that depends on
    the target's own units, or where champion and challenger are not `compared` by it. `searched`: may decide a search.
    `of_intervals`: only where the model answers intervals. `loss_in_its_units`: whether a margin of the metric says
    how much more of its `loss` is as good on a slice.
    """

    name: str
    tasks: tuple[str, ...]
    words: str
    of: Callable[[Answers], Metric]
    loss: Loss
    more_is_better: bool
    margin: float | None
    needs_probabilities: bool = False
    searched: bool = True
    compared: bool = True
    of_intervals: bool = False
    loss_in_its_units: bool = True

    def fits(self, answers: Answers) -> bool:
        """Whether the answers have what this metric is computed from."""
        ranked = answers.probabilities is not None or answers.score is not None
        return (ranked or not self.needs_probabilities) and (answers.ends is not None or not self.of_intervals)


LABELS = ("classification", "multilabel", "multioutput", "outliers")
_CHANCES = ("classification", "multilabel", "multioutput")
_SURE = {"needs_probabilities": True}
_REPORTED_ONLY = {"searched": False, "compared": False}

# In the order in which they are reported.
_ENTRIES = (
    Entry("accuracy", _CHANCES, "share of rows with the right label, or with all", by.accuracy, WRONG, True, 0.01),
    Entry(
        "balanced_accuracy", ("classification", "multioutput", "outliers"), "the same, each class counting equally",
        by.balanced_accuracy, WRONG, True, 0.01,
    ),
    Entry(
        "f1_macro", _CHANCES, "how well classes are found without false alarms, each counting equally",
        by.f1_macro, WRONG, True, 0.01,
    ),
    Entry("precision", LABELS, "share of the answers of interest that are right", by.precision, WRONG, True, 0.01),
    Entry("recall", LABELS, "share of what is of interest that is answered so", by.recall, WRONG, True, 0.01),
    Entry("f1", LABELS, "precision and recall in one, counting alike", by.f_beta(1.0), WRONG, True, 0.01),
    Entry("f2", LABELS, "the same, recall counting twice", by.f_beta(2.0), WRONG, True, 0.01),
    Entry("f05", LABELS, "the same, precision counting twice", by.f_beta(0.5), WRONG, True, 0.01),
    Entry("log_loss", _CHANCES, "how surprised the model is by the truth", by.log_loss, LOG, False, 0.02, **_SURE),
    Entry(
        "roc_auc", LABELS, "chance that a row of a class is ranked above one of another", by.roc_auc, LOG,
        True, 0.01, **_SURE,
    ),
    Entry(
        "average_precision", LABELS, "mean precision over all thresholds", by.average_precision, LOG, True, 0.01,
        **_SURE,
    ),
    Entry(
        "brier", _CHANCES, "squared distance of the probabilities from the truth", by.brier, _BRIER, False, 0.01,
        searched=False, **_SURE,
    ),
    Entry(
        "calibration_error", ("classification",), "how far its certainty is from how often it is right",
        by.calibration_error, WRONG, False, None, **_SURE, **_REPORTED_ONLY,
    ),
    Entry("mae", ("regression",), "mean error, in the target's units", by.mae, ABSOLUTE, False, None),
    Entry(
        "rmse", ("regression",), "root of the mean squared error, in its units", by.rmse, _SQUARED, False, None,
    ),
    Entry("mape", ("regression",), "mean error as a share of the target", by.mape, _PERCENTAGE, False, 0.01),
    Entry("r2", ("regression",), "share of the target's variance that is explained", by.r2, _VARIANCE, True, 0.01),
    Entry(
        "coverage", ("regression",), "share of rows within their interval", by.coverage, ABSOLUTE, True, None,
        of_intervals=True, searched=False, compared=False,
    ),
    Entry(
        "interval_width", ("regression",), "mean width of the intervals, in the target's units", by.width, ABSOLUTE,
        False, None, of_intervals=True, searched=False, compared=False,
    ),
)  # fmt: skip
Catalogue = Mapping[str, Entry]
CATALOGUE: Catalogue = {entry.name: entry for entry in _ENTRIES}
# A metric in params.yaml: editors complete those of the catalogue, any other has to be one of evaluate.metrics.
METRIC_SCHEMA: dict[str, Any] = {"anyOf": [{"enum": list(CATALOGUE)}, {"type": "string"}]}
MetricName = Annotated[str, WithJsonSchema(METRIC_SCHEMA)]


def names(
    task: str, catalogue: Catalogue = CATALOGUE, *, searched: bool = False, compared: bool = False
) -> tuple[str, ...]:
    """The metrics of a task in their order; only those that may decide a search, or a comparison, where asked."""
    return tuple(
        entry.name
        for entry in catalogue.values()
        if task in entry.tasks and (entry.searched or not searched) and (entry.compared or not compared)
    )


def measures(
    task: str, target: np.ndarray, prediction: Prediction, classes: np.ndarray, catalogue: Catalogue = CATALOGUE
) -> dict[str, Metric]:
    """Metric name → function of the weights of the rows ([rows], float64); NaN where those rows do not define it.

    `classes` are those of the model, in the order of the columns of `prediction.probabilities`. A metric that needs
    probabilities is left out where the model gives none. Definitions are those of sklearn.metrics, with which the tests
    compare: ROC AUC is one-against-rest weighted by class for more than two. The calibration error is the expected one
    of the likeliest class (Guo et al., On Calibration of Modern Neural Networks, 2017). Precision, recall, their means
    and average precision are those of the second of two classes; of several, the mean over all. Of multioutput each is
    the mean over the targets.
    """
    answers = Answers.of(task, target, prediction, classes)
    return {
        name: _measure(catalogue[name], answers) for name in names(task, catalogue) if catalogue[name].fits(answers)
    }


def _measure(entry: Entry, answers: Answers) -> Metric:
    """Of several targets of classes the mean of theirs; only the accuracy asks for a row that is right in all."""
    if not answers.parts or entry.name == "accuracy":
        return entry.of(answers)
    each = [entry.of(part) for part in answers.parts]
    return lambda weights: float(np.mean([measure(weights) for measure in each]))


def default(task: str, probabilities: bool) -> str:
    """The metric that decides where params.yaml names none.

    Log loss where there are probabilities: it weighs every row's answer, and so sees with some hundred rows what
    accuracy sees with many thousands. R² for a regression: it orders models as RMSE does, and its margin needs no
    knowledge of the target's units.
    """
    if task == "regression":
        return "r2"
    if task == "outliers":
        return "average_precision"
    return "log_loss" if probabilities else "accuracy"


def losses(
    metric: str,
    task: str,
    target: np.ndarray,
    prediction: Prediction,
    classes: np.ndarray,
    catalogue: Catalogue = CATALOGUE,
) -> tuple[Loss, np.ndarray]:
    """The loss that goes with `metric`, and its value for each row, [rows].

    A model without probabilities is judged by its labels, whatever the metric.
    """
    entry = catalogue[metric]
    loss = WRONG if entry.needs_probabilities and prediction.probabilities is None else entry.loss
    answers = Answers.of(task, target, prediction, classes)
    if answers.parts:
        return loss, np.asarray(np.mean([loss.of(part) for part in answers.parts], axis=0))
    return loss, loss.of(answers)
