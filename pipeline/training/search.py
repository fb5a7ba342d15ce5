"""A search: candidates are trained and judged fold by fold, here or on a cluster, always with the same result."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from artifact import signature
from artifact.engines.sklearn_runner import SklearnRunner
from artifact.errors import ConfigurationError
from artifact.validation.frame import columns
from pipeline.params import metrics
from pipeline.params.params import Params
from pipeline.params.tune import Tune
from pipeline.shared import best_parameters, classes
from pipeline.shared.progress import Progress
from pipeline.training import cluster, train
from pipeline.training.folds import Fold
from pipeline.training.study import Study, Trial


class Search:
    """The search that `params` declares, on the training rows `frame` and `target` in `folds`."""

    def __init__(
        self, params: Params, tune: Tune, study: Study, frame: pd.DataFrame, target: np.ndarray, folds: Sequence[Fold]
    ) -> None:
        self._params, self._tune, self._study = params, tune, study
        self._maximises = params.catalogue[tune.metric].more_is_better
        self._frame, self._target, self._folds = frame, target, folds

    def run(self) -> list[Trial]:
        """Judge every candidate; in the order of their numbers, and of the rounds of each."""
        rounds = self.rounds()
        total = sum(count for count, _ in rounds)
        with (
            cluster.parallel(cluster.address(), "loky", self._tune.n_jobs),
            Progress("trials", total, len(self._study.done)) as progress,
        ):
            left = list(range(rounds[0][0]))
            for number, (count, share) in enumerate(rounds):
                left = self._best(left, number - 1)[:count] if number else left
                for batch in self._batches(left):
                    for trial in self._judge(batch, number, share):
                        self._study.add(trial)
                        progress.add(1)
        return [self._study.done[key] for key in sorted(self._study.done)]

    def best(self, trials: Sequence[Trial]) -> Trial:
        """The best of the last round, the first of equals; ConfigurationError (10) where none could be trained."""
        last = max(trial.round for trial in trials)
        finalists = [trial.candidate for trial in trials if trial.round == last and math.isfinite(trial.score)]
        if not finalists:
            raise ConfigurationError(
                f"params.yaml: train.tune: none of {len(trials)} trials could be trained and judged by "
                f"{self._tune.metric}; the first: {trials[0].error or 'the metric is not defined on a fold'}"
            )
        return self._study.done[self._best(finalists, last)[0], last]

    def rounds(self) -> list[tuple[int, float]]:
        """Candidates and share of the training rows of each round; the last one has all rows."""
        count, factor = self._study.candidates, self._tune.factor
        if self._tune.method != "halving":
            return [(count, 1.0)]
        number = 1 + int(math.log(count, factor) + 1e-9)
        return [(max(1, count // factor**each), float(factor) ** (each + 1 - number)) for each in range(number)]

    def _best(self, candidates: Sequence[int], number: int) -> list[int]:
        def order(candidate: int) -> tuple[float, int]:
            score = self._study.done[candidate, number].score
            return (math.inf if math.isnan(score) else -score if self._maximises else score, candidate)

        return sorted(candidates, key=order)

    def _batches(self, candidates: list[int]) -> list[list[int]]:
        # What the next candidate of the bayesian method is depends on this one's score.
        size = 1 if self._tune.method == "bayesian" else len(candidates)
        return [candidates[start : start + size] for start in range(0, len(candidates), size)]

    def _judge(self, candidates: Sequence[int], number: int, share: float) -> Iterator[Trial]:
        drawn = {
            candidate: self._study.draw(candidate)
            for candidate in candidates
            if (candidate, number) not in self._study.done
        }
        models = {candidate: self._model(values) for candidate, values in drawn.items()}
        folds = [fold.with_rows(share) for fold in self._folds]
        alone = cluster.address() is None
        work = [
            joblib.delayed(score)(
                self._params, self._tune.metric, models[candidate], self._frame, self._target, fold, alone
            )
            for candidate in drawn
            for fold in folds
        ]
        scores = iter(joblib.Parallel(return_as="generator")(work)) if work else iter(())
        for candidate, values in drawn.items():
            results = [next(scores) for _ in folds]
            error = next((text for _, text in results if text), None)
            yield Trial(candidate, number, values, tuple(value for value, _ in results), error)

    def _model(self, values: Mapping[str, Any]) -> Pipeline:
        return train.build(_with(self._params, plain(values)))


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was drawn as the values of parameters: choices are JSON text."""
    return {name: json.loads(value) if isinstance(value, str) else value for name, value in values.items()}


def score(
    params: Params, metric: str, model: Pipeline, frame: pd.DataFrame, target: np.ndarray, fold: Fold, alone: bool
) -> tuple[float, str | None]:
    """The metric of `model`, trained and judged on the rows of `fold`; NaN and why where it cannot be trained.

    `alone`: in a process that does nothing else.
    """
    try:
        fitted = train.fit(
            model, frame.iloc[fold.train], target[fold.train], alone=alone, supervised=params.model.task != "outliers"
        )
    except ConfigurationError as error:
        return math.nan, str(error)
    described = signature.for_model(params.model.task, params.features, params.targets, fitted)
    prediction = SklearnRunner(fitted, described).predict(columns(frame.iloc[fold.test]))
    class_names = classes.of(described)
    measures = metrics.measures(params.model.task, target[fold.test], prediction, class_names, params.catalogue)
    if metric not in measures:
        return math.nan, f"{metric} needs probabilities, which {params.train.estimator} does not give"
    value = float(measures[metric](np.ones(len(fold.test))))
    return value, None if math.isfinite(value) else f"{metric} is not defined on a fold"


def _with(params: Params, values: Mapping[str, Any]) -> Params:
    return best_parameters.with_values(params, values)
