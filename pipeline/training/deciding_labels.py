"""The thresholds from which a multilabel model answers true: as params.yaml says, or tuned on folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from artifact.decision import Decision
from artifact.engines.sklearn_runner import true_probabilities
from artifact.prediction import Prediction
from pipeline.params import metrics
from pipeline.params.params import Params
from pipeline.training import declared_folds, threshold_search

_SWEEPS = 2  # a label's best threshold depends on the others where the metric asks for rows that are right in all


def decided(params: Params, fitted: Pipeline, frame: pd.DataFrame, target: np.ndarray) -> Decision:
    """One threshold a label, in the order of data.targets; a label that is not named keeps a half."""
    decide = params.train.decision
    assert decide is not None
    if decide.thresholds is not None:
        return Decision(tuple(decide.thresholds.get(name, threshold_search.HALF) for name in params.data.names))
    parts = declared_folds.of(params, target, decide.folds, decide.seed)
    rows = np.concatenate([fold.test for fold in parts])
    answers = []
    for fold in parts:
        model = clone(fitted).fit(frame.iloc[fold.train], target[fold.train])
        answers.append(true_probabilities(model.predict_proba(frame.iloc[fold.test])))
    return _tuned(params, str(decide.metric), np.concatenate(answers), target[rows])


def _tuned(params: Params, metric: str, chances: np.ndarray, target: np.ndarray) -> Decision:
    catalogue = params.catalogue
    sign = 1.0 if catalogue[metric].more_is_better else -1.0

    def score(thresholds: Sequence[float]) -> float:
        prediction = Prediction(chances >= np.array(thresholds), chances)
        measures = metrics.measures("multilabel", target, prediction, np.empty(0), catalogue)
        return sign * measures[metric](np.ones(len(target)))

    return threshold_search.best(chances.shape[1], _SWEEPS, score)
