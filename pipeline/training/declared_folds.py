"""Folds of the training rows as prepare.split asks for: those that a search judges by, and thresholds are tuned on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.params.params import Params
from pipeline.shared import paths, tables
from pipeline.training import folds
from pipeline.training.folds import Fold


def of(params: Params, target: np.ndarray, count: int, seed: int) -> Sequence[Fold]:
    """`count` folds of build/prepared/train.parquet, whose target is `target`, [rows]."""
    units = tables.units(paths.TRAIN)
    if params.prepare.split.method == "time":
        return folds.by_time(units, tables.moments(paths.TRAIN), count)
    labels = target if params.model.task in ("classification", "outliers") else None
    return folds.spread(units, labels, count, seed)
