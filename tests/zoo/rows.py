"""The rows that a model of the zoo is asked about: ordinary ones, and those where engines differ if they ever do."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from artifact.prediction import Columns
from artifact.signature import TIMES, Feature
from artifact.validation.column import LARGEST, number_bounds
from artifact.validation.frame import from_columns
from artifact.validation.validator import validated_columns
from tests.zoo.build import Built
from tests.zoo.tables import draw

COUNT = 2000
_ORDINARY, _TRAINED, _JUMPS = 500, 200, 500  # rows of these kinds, at most
_PAIRS = 64  # of rows between which a jump is looked for
_SIZES = [10.0**power for power in (-40, -20, -8, -3, 0, 1, 3, 5, 7, 9, 12, 16, 20, 30, 38)]
_NUMBERS = [0.0, -0.0, 5e-324, 1e-45, 16777217.0, 2.0**53, LARGEST, *_SIZES]
_TEXTS = ["", " ", "never seen in training", "Bonn ", "bonn", "東京都", "É" * 40, "\t", "None", "nan", "1"]


def rows(built: Built, table: str, seed: int) -> dict[str, np.ndarray]:
    """COUNT rows as `artifact.validation` makes them, [rows] a feature.

    Half of them are drawn as the training rows were, or are training rows. Then come each feature at the ends of its
    declared and its seen range, with their neighbours in float64 and float32, numbers of every size it may have, texts
    that training did not have, and gaps; in one feature at a time, and in several. Others are neighbours of jumps: the
    two adjacent float64 between which the model's answer jumps, and the float32 beside them.
    """
    random = np.random.default_rng(seed)
    ordinary = _drawn(built, table, seed)
    trained = {name: values[:_TRAINED] for name, values in built.trained.items()}
    beside = jumps(built, ordinary, random)
    rest = random.permutation(len(next(iter(beside.values()))))[:_JUMPS]
    beside = {name: values[rest] for name, values in beside.items()}
    reference = _joined(built, [ordinary, trained, beside, *_one_extreme(built, ordinary)])
    left = COUNT - len(next(iter(reference.values())))
    assert left > 0
    every = _joined(built, [reference, _several_extreme(built, ordinary, left, random)])
    return every | {feature.name: _as_sent(feature, every[feature.name]) for feature in built.signature.inputs}


def _as_sent(feature: Feature, values: np.ndarray) -> np.ndarray:
    """Moments as their text has them: to the microsecond, a date to the day."""
    if feature.dtype not in TIMES:
        return values
    return np.round(values, 6) if feature.dtype == "datetime" else np.floor(values / 86_400) * 86_400


def _drawn(built: Built, table: str, seed: int) -> Columns:
    fresh = draw(table, _ORDINARY, seed)
    columns = {
        name: [None if value != value else value for value in fresh[name].tolist()] for name in built.signature.names
    }
    return validated_columns(built.signature, columns)


def _joined(built: Built, parts: list[Columns]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in built.signature.names}


def _one_extreme(built: Built, ordinary: Columns) -> list[Columns]:
    """Ordinary rows in which one feature has each of its extreme values."""
    parts: list[Columns] = []
    for feature in built.signature.inputs:
        values = np.array(extremes(feature, built.trained[feature.name]), dtype=built.trained[feature.name].dtype)
        base = {name: np.resize(column, len(values)) for name, column in ordinary.items()}
        parts.append(base | {feature.name: values})
    return parts


def _several_extreme(built: Built, ordinary: Columns, count: int, random: np.random.Generator) -> Columns:
    """Ordinary rows in which each feature has an extreme value with a chance of a half."""
    table = {}
    for feature in built.signature.inputs:
        base = ordinary[feature.name]
        far = np.array(extremes(feature, built.trained[feature.name]), dtype=base.dtype)
        chosen = random.random(count) < 0.5
        table[feature.name] = np.where(chosen, random.choice(far, count), np.resize(base, count))
    return table


def extremes(feature: Feature, trained: np.ndarray) -> list[Any]:
    """Values that pass for `feature` and stand apart: [values]."""
    gap = [np.nan] if feature.nullable else []
    if feature.dtype == "bool":
        return [0.0, 1.0, *gap]
    if feature.dtype == "string":
        return [*(feature.categories or _TEXTS), *gap]
    if feature.dtype in TIMES:
        days = [
            -9_214_560_000.0,
            -86_400.0,
            0.0,
            951_782_400.0,
            9_214_560_000.0,
            float(trained[trained == trained].max()),
        ]
        days = [day // 86_400 * 86_400 for day in days]
        return [*days, *([day + 0.25 for day in days[1:]] if feature.dtype == "datetime" else []), *gap]
    low, high = number_bounds(feature)
    present = trained[trained == trained].astype(np.float64)
    marks = [low, high, present.min(), present.max(), float(np.median(present))]
    numbers = [
        *marks,
        *_NUMBERS,
        *(-number for number in _NUMBERS),
        *(2 * marks[3] - marks[2], 2 * marks[2] - marks[3]),
    ]
    if feature.dtype == "int64":
        whole = {int(number) for number in numbers if abs(number) < 2**62 and number == int(number)}
        whole |= {number + step for number in whole for step in (-1, 1)} | {2**62, -(2**62)}
        return [*sorted(number for number in whole if low <= number <= high), *gap]
    return [number for number in dict.fromkeys(numbers) if low <= number <= high] + gap


def neighbours(number: float) -> list[float]:
    """`number`, the float64 beside it, and the two float32 that are nearest to it."""
    with np.errstate(over="ignore", under="ignore"):
        single = np.float32(number)
        beside = [np.nextafter(single, np.float32(-np.inf)), single, np.nextafter(single, np.float32(np.inf))]
    return [number, *(float(np.nextafter(number, way)) for way in (-np.inf, np.inf)), *map(float, beside)]


def jumps(built: Built, ordinary: Columns, random: np.random.Generator) -> Columns:
    """Rows on either side of the jumps that the model's numbers make between ordinary rows, one feature at a time.

    A jump is found by halving in float64, whatever the preprocessing does before a tree. Where a model's answer changes
    smoothly, there is none: what rounding then decides is no threshold.
    """
    empty = {name: values[:0] for name, values in ordinary.items()}
    results = [empty]
    features = [feature for feature in built.signature.inputs if feature.dtype == "float64"]
    for feature in features:
        count = len(ordinary[feature.name])
        first, second = random.integers(0, count, (2, _PAIRS))
        base = {name: values[first] for name, values in ordinary.items()}
        low, high = base[feature.name], ordinary[feature.name][second]
        whole = (low == low) & (high == high) & (low != high)
        base = {name: values[whole] for name, values in base.items()}
        low, high = low[whole], high[whole]
        if len(low):
            results += _halved(built, base, feature.name, low, high)
    return _joined(built, results)


def _halved(built: Built, base: Columns, name: str, low: np.ndarray, high: np.ndarray) -> list[Columns]:
    def numbers(values: np.ndarray) -> np.ndarray:
        return answers(built, {**base, name: values})

    before, after = numbers(low), numbers(high)
    size = np.abs(before).mean() or 1.0
    for step in range(70):
        if step == 24 and not _apart(before, after, size).any():
            return []
        middle = low + (high - low) / 2
        at = numbers(middle)
        # Towards the larger half of the change.
        left = np.abs(at - before).max(axis=1) >= np.abs(after - at).max(axis=1)
        high, after = np.where(left, middle, high), np.where(left[:, None], at, after)
        low, before = np.where(left, low, middle), np.where(left[:, None], before, at)
        if (np.nextafter(low, high) == high).all():
            break
    jumped = np.flatnonzero(_apart(before, after, size) & (np.nextafter(low, high) == high))
    rows_of = {other: values[jumped] for other, values in base.items()}
    sides = [low[jumped], high[jumped]]
    with np.errstate(over="ignore"):
        single = low[jumped].astype(np.float32)
    sides += [np.nextafter(single, np.float32(way)).astype(np.float64) for way in (-np.inf, np.inf)]
    sides.append(single.astype(np.float64))
    rest = number_bounds(next(feature for feature in built.signature.inputs if feature.name == name))
    return [{**rows_of, name: np.clip(side, *rest)} for side in sides]


def _apart(before: np.ndarray, after: np.ndarray, size: float) -> np.ndarray:
    return np.asarray((np.abs(before - after) > 1e-4 * size).any(axis=1))


def answers(built: Built, columns: Columns) -> np.ndarray:
    """The numbers that scikit-learn answers, [rows, outputs]; zeros where a model has labels only."""
    table: pd.DataFrame = from_columns(built.signature, columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if built.signature.task == "regression":
            return np.asarray(built.pipeline.predict(table), dtype=np.float64).reshape(len(table), -1)
        if built.signature.task == "outliers":
            return np.asarray(-built.pipeline.decision_function(table)).reshape(len(table), 1)
        if len(built.signature.outputs) == 1:
            return np.zeros((len(table), 1))
        chances = built.pipeline.predict_proba(table)
        return np.stack([chance[:, 1] for chance in chances], 1) if isinstance(chances, list) else np.asarray(chances)
