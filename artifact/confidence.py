"""How sure a classification is, in bins, and how often answers of each bin were right on held-out rows.

Counted online, the bins estimate the accuracy of answers whose truth nobody knows yet (confidence-based performance
estimation: Garg et al., Leveraging Unlabeled Data to Predict Out-of-Distribution Performance, 2022). That holds while
the relation of inputs and target does: what only the target's relation changes, it cannot see.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact.feature import Value
from artifact.output import Output
from artifact.prediction import PROBABILITIES, Prediction
from artifact.signature import Signature

BINS = 10  # equally wide, of 0 to 1
NAMES = [f"[{place / BINS:g},{(place + 1) / BINS:g}{']' if place == BINS - 1 else ')'}" for place in range(BINS)]


def of(signature: Signature, prediction: Prediction) -> np.ndarray | None:
    """The probability of the label that is answered, [rows]; None for a model that is no classification with them."""
    if signature.task != "classification" or prediction.probabilities is None:
        return None
    return chosen(signature.outputs[0], prediction.values, prediction.array(PROBABILITIES))


def chosen(label: Output, values: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The probability that each row's label has, [rows]: of [rows, classes], in the order of the label's categories."""
    # From one flat array: numpy takes twice as long to pick by row and column.
    begins = np.arange(0, probabilities.size, probabilities.shape[1])
    return np.asarray(probabilities.ravel().take(begins + _places(label.categories or (), values)))


def _places(categories: tuple[Value, ...], values: np.ndarray) -> np.ndarray:
    """Where in `categories` each value is, [rows]."""
    if values.dtype.kind in "bi" and categories:
        classes = np.array(categories)
        if np.array_equal(classes, np.arange(len(classes))):
            return values
        order = np.argsort(classes)
        return np.asarray(order[np.searchsorted(classes[order], values)])
    place_of = {value: place for place, value in enumerate(categories)}
    return np.fromiter(map(place_of.__getitem__, values.tolist()), dtype=np.int64, count=len(values))


def bins_of(sure: np.ndarray) -> np.ndarray:
    """Which of BINS each value is in, [rows]."""
    return np.minimum(np.maximum((sure * BINS).astype(np.int64), 0), BINS - 1)


def reference(sure: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Of held-out rows, [rows] each: the `counts` of each bin, how many of them were `right`, and `calibrated`, the
    share of right answers to expect of a row there: it rises from bin to bin (isotonic regression by pooling).
    """
    places = bins_of(sure)
    counts = np.bincount(places, minlength=BINS)
    hits = np.bincount(places, right.astype(np.float64), BINS)
    return {
        "counts": counts.tolist(),
        "right": hits.astype(np.int64).tolist(),
        "calibrated": _rising(counts, hits),
    }


def check(value: Any, rows: int) -> None:
    """ValueError, TypeError or KeyError unless `reference` could have made `value` of so many rows, or it is None."""
    if value is None:
        return
    counts, right, calibrated = value["counts"], value["right"], value["calibrated"]
    if value.keys() != {"counts", "right", "calibrated"} or {len(counts), len(right), len(calibrated)} != {BINS}:
        raise ValueError("'confidence' is no counts, right and calibrated of ten bins")
    if any(type(count) is not int or count < 0 for count in (*counts, *right)) or sum(counts) != rows:
        raise ValueError(f"'confidence' does not count {rows} rows")
    if any(hits > of for hits, of in zip(right, counts, strict=True)):
        raise ValueError("'confidence' has more right answers than answers")
    if any(type(share) is not float or not 0 <= share <= 1 for share in calibrated):
        raise ValueError("'confidence' has a share that is none")


def _rising(counts: np.ndarray, hits: np.ndarray) -> list[float]:
    """Shares that never fall, nearest to hits / counts weighed by counts; an empty bin takes the one before it."""
    pools: list[list[float]] = []  # hits, counts, bins
    for hit, count in zip(hits.tolist(), counts.tolist(), strict=True):
        pools.append([hit, count, 1])
        while len(pools) > 1 and _falls(pools[-2], pools[-1]):
            last = pools.pop()
            pools[-1] = [value + added for value, added in zip(pools[-1], last, strict=True)]
    return [hit / count if count else 0.0 for hit, count, bins in pools for _ in range(int(bins))]


def _falls(before: list[float], now: list[float]) -> bool:
    return now[1] == 0 or (before[1] > 0 and now[0] / now[1] < before[0] / before[1])
