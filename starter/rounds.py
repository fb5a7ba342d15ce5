"""Chooses the rounds of boosting for a table: rounds are added until the folds are predicted no better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from pipeline.training.folds import Fold

_STEP = 10  # rounds added at a time
_PATIENCE = 3  # steps without a better one
MOST = 300

Loss = Callable[[np.ndarray, Any, np.ndarray], np.ndarray]


def chosen(
    model: Pipeline, frame: pd.DataFrame, target: np.ndarray, parts: Sequence[Fold], loss: Loss
) -> tuple[int, list[np.ndarray]]:
    """The number of rounds with the smallest loss over all folds, and that loss of each judged row, by fold.

    `model` ends in a histogram gradient boosting, which goes on from the rounds it has; `loss` gives that of each row
    from (target of the rows, the fitted estimator, its inputs).
    """
    growing = []
    for fold in parts:
        order = np.sort(fold.train)
        before = clone(model[:-1]).fit(frame.iloc[order], target[order]) if len(model) > 1 else None
        inputs = [_through(before, frame.iloc[rows]) for rows in (order, fold.test)]
        estimator = clone(model[-1]).set_params(early_stopping=False, warm_start=True)
        growing.append((estimator, inputs[0], target[order], inputs[1], target[fold.test]))
    best: tuple[float, int, list[np.ndarray]] | None = None
    for rounds in range(_STEP, MOST + 1, _STEP):
        losses = []
        for estimator, train_inputs, answers, test_inputs, truth in growing:
            estimator.set_params(max_iter=rounds).fit(train_inputs, answers)
            losses.append(loss(truth, estimator, test_inputs))
        mean = float(np.concatenate(losses).mean())
        if best is None or mean < best[0]:
            best = (mean, rounds, losses)
        elif rounds >= best[1] + _PATIENCE * _STEP:
            break
    assert best is not None  # the first step is always the best so far
    return best[1], best[2]


def _through(before: Any, frame: pd.DataFrame) -> Any:
    return frame if before is None else before.transform(frame)
