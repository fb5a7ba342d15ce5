"""How good the first Pipeline is, and how good guessing is: the gate of a new model lies half way between the two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit, cross_val_score

from artifact.errors import DataContractError
from pipeline.params.params import Params

METRIC = {"classification": "balanced_accuracy", "regression": "r2"}
_FOLDS = 5
_ROWS = 20_000


@dataclass(frozen=True)
class Baseline:
    """Cross-validated scores of guessing and of the model, on the training part only."""

    metric: str
    guess: float
    model: float
    folds: int

    @property
    def threshold(self) -> float:
        """Half way from guessing to the model, rounded down to two digits; just above guessing for a model that is not
        better than that."""
        middle = math.floor((self.guess + self.model) / 2 * 100) / 100
        return middle if middle > self.guess else math.floor(self.guess * 100 + 1) / 100

    @property
    def sentence(self) -> str:
        """For the comment beside the threshold, on two lines."""
        return (
            f"half way from guessing ({self.guess:.2f}) to this model ({self.model:.2f}), both by\n"
            f"{self.folds}-fold cross-validation on the training part when this file was written"
        )


def measure(params: Params, model: Any, frame: pd.DataFrame, target: np.ndarray) -> Baseline:
    """Score `model` (not fitted) and guessing on `frame`, [rows, features], in order of time for a split by time.

    DataContractError (40) where the table is too small for it.
    """
    regression = params.model.task == "regression"
    if len(frame) > _ROWS:
        picked = np.unique(np.linspace(0, len(frame) - 1, _ROWS).round().astype(int))
        frame, target = frame.iloc[picked], target[picked]
    splitter: Any
    if not regression:
        rarest = int(np.unique(target.astype(str), return_counts=True)[1].min())
        splitter = StratifiedKFold(min(_FOLDS, max(2, rarest)), shuffle=True, random_state=params.prepare.split.seed)
    elif params.prepare.split.method == "time":
        splitter = TimeSeriesSplit(min(_FOLDS, len(frame) - 1))
    else:
        splitter = KFold(min(_FOLDS, len(frame)), shuffle=True, random_state=params.prepare.split.seed)
    guess: Any = DummyRegressor() if regression else DummyClassifier(strategy="most_frequent")
    metric = METRIC[params.model.task]
    scores = []
    for candidate in (guess, model):
        try:
            results = cross_val_score(candidate, frame, target, scoring=metric, cv=splitter, error_score="raise")
        except ValueError as error:
            raise DataContractError(
                f"a first model cannot be trained on this table: {error}; more rows would help"
            ) from error
        scores.append(float(np.median(results)))
    # The mean of one fold is a poor guess for the next, and scores below zero: zero is what the right mean scores.
    return Baseline(metric, max(scores[0], 0.0), scores[1], splitter.get_n_splits())
