"""How well one feature alone predicts the target: near 1, it is the target, or was made from it."""

from __future__ import annotations

import numpy as np
import pandas as pd

FEWEST = 20  # rows: with fewer, chance predicts as well


def score(feature: np.ndarray, target: np.ndarray, classes: int) -> float | None:
    """Balanced accuracy (`classes` > 0, `target` holds codes below it) or R² of the target predicted from `feature`: of
    its values or of their ranks, whichever is larger, because a few large values that no other row comes near decide
    the first.

    Each half of the rows ([rows], in random order) is predicted from the other: by the most frequent class, or mean, of
    the value of the feature, or of the nearest value that the other half has. Up to ties this is the one-nearest-
    neighbour rule, whose error is at most twice the least that is possible from that feature (Cover and Hart, IEEE
    Transactions on Information Theory 13, 1967). None where rows or target are too few to say.
    """
    if len(target) < FEWEST or len(np.unique(target)) < 2:
        return None
    half = np.arange(len(target)) % 2 == 0
    ordered = feature.dtype != object
    places = feature.astype(np.float64) if ordered else pd.factorize(feature)[0].astype(np.float64)
    if ordered and np.isnan(places).any():  # missing is a value of its own, far from all others
        present = places[~np.isnan(places)]
        places = np.where(
            np.isnan(places), present.max() + 1e6 * (np.ptp(present) + 1) if len(present) else 0.0, places
        )
    if not classes:
        # Ranks say little more than whether a row has the one value that most rows have.
        spread = np.unique(target, return_counts=True)[1].max() <= len(target) / 2
        scales = [target, pd.Series(target).rank().to_numpy()] if spread else [target]
        return max(_r2(places, scale, half, exact=not ordered) for scale in scales)
    right = _predicted(places, target, half, classes, exact=not ordered) == target
    return float(np.mean([right[target == code].mean() for code in np.unique(target)]))


def _r2(places: np.ndarray, target: np.ndarray, half: np.ndarray, exact: bool) -> float:
    missed = target - _predicted(places, target, half, 0, exact)
    return 1.0 - float(np.square(missed).sum()) / float(np.square(target - target.mean()).sum())


def _predicted(places: np.ndarray, target: np.ndarray, half: np.ndarray, classes: int, exact: bool) -> np.ndarray:
    predicted = np.empty(len(target), dtype=np.float64)
    for side in (half, ~half):
        predicted[~side] = _predict(places[side], target[side], places[~side], classes, exact)
    return predicted


def _predict(inputs: np.ndarray, answers: np.ndarray, numbers: np.ndarray, classes: int, exact: bool) -> np.ndarray:
    values, place = np.unique(inputs, return_inverse=True)
    if not classes:
        means = np.bincount(place, answers) / np.bincount(place)
        if not exact:
            return np.asarray(np.interp(numbers, values, means))
        nearest, there = _nearest(values, numbers)
        return np.asarray(np.where(there, means[nearest], answers.mean()))
    counts = np.zeros((len(values), classes), dtype=np.int32)
    np.add.at(counts, (place, answers), 1)
    most = counts.argmax(axis=1)
    nearest, there = _nearest(values, numbers)
    return np.asarray(np.where(there, most[nearest], np.bincount(answers).argmax()) if exact else most[nearest])


def _nearest(values: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    right = np.clip(np.searchsorted(values, numbers), 0, len(values) - 1)
    left = np.clip(right - 1, 0, None)
    nearest = np.where(np.abs(values[left] - numbers) < np.abs(values[right] - numbers), left, right)
    return nearest, values[nearest] == numbers
