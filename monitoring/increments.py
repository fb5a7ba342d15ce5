"""By how much counters grew in each interval, with pods that start and end meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitoring.prometheus import Series


def increments(series: Sequence[Series], step: float, warm_up: float) -> np.ndarray:
    """Growth of each counter between two times of the grid: shape [series, points - 1].

    A value below the one before is a counter that began again at 0. A series that appears on a pod that was there
    before began at 0 too: counters of rare events are not there until the first. What a new pod counted in its first
    `warm_up` seconds is left out: it was cold. Without any, what it counted up to its first sample counts. Pods at the
    first time of the grid are old: begin the grid early. A gap of a scrape is bridged. NaN never comes back.
    """
    if not series:
        return np.zeros((0, 0))
    values = np.stack([item.values for item in series])
    points = values.shape[1]
    valid = np.isfinite(values)
    places = np.where(valid, np.arange(points), -1)
    before = np.maximum.accumulate(places, axis=1)[:, :-1]
    last = np.take_along_axis(values, np.maximum(before, 0), axis=1)
    now, previous = values[:, 1:], valid[:, 1:]
    grown = np.where(now >= last, now - last, now)
    ages = _ages(series, valid)[:, 1:]
    begun = np.where(before >= 0, grown, now)
    growing = previous & (ages * step >= warm_up)
    return np.asarray(np.where(growing, np.nan_to_num(begun), 0.0))


def _ages(series: Sequence[Series], valid: np.ndarray) -> np.ndarray:
    """Intervals since the pod of each series was first seen, shape [series, points]; very many for the old ones."""
    points = valid.shape[1]
    first: dict[str, int] = {}
    for item, there in zip(series, valid, strict=True):
        at = int(there.argmax()) if there.any() else points
        first[item.instance] = min(at, first.setdefault(item.instance, points))
    begun = np.array([first[item.instance] for item in series])
    ages = np.arange(points)[None, :] - begun[:, None]
    return np.where(begun[:, None] == 0, np.inf, ages)
