"""The trials of a search, in Optuna's storage: a search that was killed finds what it has done and goes on.

A trial is stored when it is finished, and drawn from the finished ones before it and from a seed of its own number: so
a search that was cut off and one that was not draw the same candidates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from pipeline.params.tune import Axis, Tune


@dataclass(frozen=True)
class Trial:
    """A candidate by its number, its round of halving (else 0), its parameters; `scores`: one a fold, or `error`."""

    candidate: int
    round: int
    values: Mapping[str, Any]  # as drawn: choices are JSON text
    scores: tuple[float, ...]
    error: str | None

    @property
    def score(self) -> float:
        """The mean over the folds; NaN for a candidate that cannot be trained."""
        return float(np.mean(self.scores)) if self.scores and self.error is None else math.nan


class Study:
    """The trials of `tune`, kept in the file `path` under `key`; `maximises`: more of its metric is better."""

    def __init__(self, tune: Tune, path: Path, key: str, maximises: bool) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._tune = tune
        directions = optuna.study.StudyDirection
        self._direction = directions.MAXIMIZE if maximises else directions.MINIMIZE
        self._space = {axis.name: _distribution(axis) for axis in tune.axes}
        self._study = optuna.create_study(
            storage=f"sqlite:///{path}", study_name=key, load_if_exists=True, direction=self._direction
        )
        self.done: dict[tuple[int, int], Trial] = {}
        for trial in self._study.get_trials(deepcopy=False):
            result = _from_optuna(trial)
            self.done[result.candidate, result.round] = result
        self._grid = tune.grid() if tune.method == "grid" else []
        self.candidates = len(self._grid) or tune.trials

    def draw(self, candidate: int) -> Mapping[str, Any]:
        """The parameters of the candidate with this number; by the bayesian method, from all before it."""
        if (candidate, 0) in self.done:
            return self.done[candidate, 0].values
        if self._grid:
            return self._grid[candidate]
        seed = int(np.random.SeedSequence([self._tune.seed, candidate]).generate_state(1)[0])
        sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed)
        if self._tune.method == "bayesian":
            sampler = optuna.samplers.TPESampler(seed=seed)
        # In memory: a trial that is asked for and not finished would stay in the storage.
        sampling = optuna.create_study(sampler=sampler, direction=self._direction)
        if self._tune.method == "bayesian":
            finished = [self.done[number, 0] for number in range(candidate)]
            sampling.add_trials([self._trial(trial) for trial in finished if trial.error is None])
        return dict(sampling.ask(self._space).params)

    def add(self, trial: Trial) -> None:
        """Store what is finished."""
        self._study.add_trial(self._trial(trial))
        self.done[trial.candidate, trial.round] = trial

    def _trial(self, trial: Trial) -> FrozenTrial:
        failed = not math.isfinite(trial.score)
        return create_trial(
            state=TrialState.FAIL if failed else TrialState.COMPLETE,
            value=None if failed else trial.score,
            params=dict(trial.values),
            distributions=self._space,
            user_attrs={
                "candidate": trial.candidate,
                "round": trial.round,
                "scores": list(trial.scores),
                "error": trial.error,
            },
        )


def _from_optuna(trial: FrozenTrial) -> Trial:
    attributes = trial.user_attrs
    return Trial(
        attributes["candidate"], attributes["round"], trial.params, tuple(attributes["scores"]), attributes["error"]
    )


def _distribution(axis: Axis) -> BaseDistribution:
    if axis.choices:
        return CategoricalDistribution(axis.choices)
    if axis.integer:
        return IntDistribution(int(axis.low), int(axis.high), axis.log, int(axis.step or 1))
    return FloatDistribution(axis.low, axis.high, axis.log, axis.step)
