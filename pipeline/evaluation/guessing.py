"""Guessing: the best predictions that the training part's target alone gives, without features. A model has to beat
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from artifact.prediction import Prediction
from artifact.signature import label_text
from pipeline.evaluation import paired
from pipeline.params import metrics
from pipeline.params.measures import Metric

_TINY = 1e-12  # the share of a class that training did not have


def predictions(task: str, target: Mapping[str, Any], classes: np.ndarray, rows: int) -> dict[str, Prediction]:
    """Metric → the guess that is best by it, for `rows` rows: the shares of the classes with the most frequent label,
    the mean, or for the mean error the median; of several targets the shares or the mean of each; no outliers.

    `target` is what prepare wrote of the target, `classes` are those of the model in their order.
    """
    names = [name for name in metrics.names(task) if not metrics.CATALOGUE[name].of_intervals]
    if "several" in target:
        each = [
            _shares(counts["train"], names) for counts, names in zip(target["several"].values(), classes, strict=True)
        ]
        labels = np.stack(
            [np.repeat(names[[shares.argmax()]], rows) for names, shares in zip(classes, each, strict=True)], axis=1
        )
        return dict.fromkeys(names, Prediction(labels, np.tile(np.concatenate(each), (rows, 1))))
    if "means" in target:
        means = np.tile([mean["train"] for mean in target["means"].values()], (rows, 1))
        guess = Prediction(means) if task == "regression" else Prediction(means >= 0.5, means)
        return dict.fromkeys(names, guess)
    if task == "outliers":
        return dict.fromkeys(names, Prediction(np.zeros(rows, dtype=bool), None, {"score": np.zeros(rows)}))
    if task == "regression":
        mean, median = (np.full(rows, float(target[key]["train"])) for key in ("mean", "median"))
        return {name: Prediction(median if name == "mae" else mean, None) for name in names}
    shares = _shares(target["train"], classes)
    guess = Prediction(np.full(rows, classes[int(shares.argmax())], dtype=classes.dtype), np.tile(shares, (rows, 1)))
    return dict.fromkeys(names, guess)


def _shares(by_class: Mapping[str, int], classes: np.ndarray) -> np.ndarray:
    """How often each class was among the rows trained on."""
    counts = np.array([by_class.get(label_text(name), 0) for name in classes.tolist()], dtype=np.float64)
    return np.asarray(np.maximum(counts / max(counts.sum(), 1.0), _TINY))


def compared(measures: Mapping[str, Metric], guesses: Mapping[str, Metric]) -> dict[str, Metric]:
    """`measures` of the model, and the difference of each from `guesses`, named `guess <metric>`."""
    mine = {name: paired.remembering(measure) for name, measure in measures.items()}
    return {
        **mine,
        **{
            f"guess {name}": paired.difference(metrics.CATALOGUE[name], guesses[name], mine[name])
            for name in mine
            if name in guesses
        },
    }


def separated(measured: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The intervals of the metrics, and those of their differences from guessing, by metric."""
    own = {name: value for name, value in measured.items() if not name.startswith("guess ")}
    return own, {name: measured[f"guess {name}"] for name in own if f"guess {name}" in measured}
