"""The recipes tried on the training part, by cross-validation: which predicts best, and how good guessing is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from artifact.errors import ConfigurationError, DataContractError
from artifact.quantity import quantity
from pipeline.params.params import Params
from pipeline.shared.progress import Progress
from pipeline.training import folds, train
from pipeline.training.folds import Fold
from starter import rounds
from starter.recipe import Recipe

METRIC = {"classification": "log_loss", "regression": "r2"}
_ROWS = 20_000  # of the training part that the recipes are tried on; fewer of a table with many columns,
_CELLS = 4_000_000  # which is rows × columns,
_FEWEST = 1_000  # but no fewer than these
_FIVE = 500_000  # cells: up to as many are cut into five parts, more into three
_NOISE = 2.0  # standard errors
_SHARE = 1 / 3  # of the gain over guessing: a holdout of some dozen rows has been seen to lose half of it


@dataclass(frozen=True)
class Rows:
    """Rows of the training part: features, target, and what keeps rows together and orders them, [rows] each."""

    frame: pd.DataFrame
    target: np.ndarray
    units: np.ndarray
    moments: np.ndarray | None


@dataclass(frozen=True)
class Tried:
    """A recipe, None for guessing; its loss for each row that was judged, [judged]."""

    recipe: Recipe | None
    losses: np.ndarray

    @property
    def name(self) -> str:
        """As it is called in sentences."""
        return self.recipe.name if self.recipe else "guessing"

    @property
    def loss(self) -> float:
        """The mean over the rows."""
        return float(self.losses.mean())

    def better_by(self, other: Tried) -> tuple[float, float]:
        """How much smaller this loss is than that of `other`, and the standard error of that, row by row."""
        difference = other.losses - self.losses
        return float(difference.mean()), float(difference.std() / math.sqrt(len(difference)))


@dataclass(frozen=True)
class Comparison:
    """`tried` in their order, guessing the first; losses are log loss, or squared errors as shares of the variance."""

    task: str
    folds: int
    rows: int
    held_out: int
    tried: tuple[Tried, ...]

    @property
    def guess(self) -> Tried:
        """What the target's own shares, or mean, give."""
        return self.tried[0]

    @property
    def best(self) -> Tried:
        """The recipe of the smallest loss; an earlier, simpler one where a later one is no better for certain (by one
        standard error: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 7.10)."""
        return _best(self.tried[1:])

    def score(self, trial: Tried) -> float:
        """Its loss as the metric of the gate."""
        return trial.loss if self.task == "classification" else 1.0 - trial.loss

    @property
    def threshold(self) -> float:
        """A third of the way from guessing to the best recipe, and nearer to guessing where a holdout of `held_out`
        rows could miss that by chance; never beyond guessing. In the metric of the gate, to three digits."""
        best, guess = self.best, self.guess
        noise = _NOISE * float(best.losses.std()) / math.sqrt(max(self.held_out, 1))
        limit = min(max(guess.loss - _SHARE * (guess.loss - best.loss), best.loss + noise), guess.loss)
        if self.task == "classification":
            return math.ceil(limit * 1000) / 1000 if limit < guess.loss else math.floor(limit * 1000) / 1000
        return max(0.0, math.floor((1.0 - limit) * 1000) / 1000)

    @property
    def sentences(self) -> list[str]:
        """What was compared, for the comment beside the threshold and for the screen."""
        metric = METRIC[self.task]
        scores = ", ".join(f"{trial.name} {self.score(trial):.3f}" for trial in self.tried)
        lines = [f"{metric} by {self.folds}-fold cross-validation on {quantity(self.rows, 'training row')}: {scores}"]
        others = [trial for trial in self.tried[1:] if trial is not self.best]
        for other in others[:1]:
            gain, error = self.best.better_by(other)
            if gain >= 0:
                lines.append(f"{self.best.name} is better than {other.name} by {gain:.3g} ± {error:.2g} ({metric})")
            else:
                lines.append(
                    f"{self.best.name} is simpler, and {other.name} better by no more than chance: {-gain:.3g} ± "
                    f"{error:.2g} ({metric})"
                )
        return lines


def picked(rows: int, features: int) -> np.ndarray:
    """The numbers of all `rows`, or of as many as keep the comparison short, spread evenly over them."""
    most = min(rows, max(_FEWEST, min(_ROWS, _CELLS // max(1, features))))
    return np.unique(np.linspace(0, rows - 1, most).round().astype(int))


def compare(
    recipes: Sequence[Recipe], params_of: Callable[[Recipe], Params], rows: Rows, held_out: int, uneven: bool
) -> Comparison:
    """Cross-validate each recipe as params.yaml would train it; DataContractError (40) where the table is too small.

    Folds are made as the holdout was: units together, classes spread, time forward. `held_out`: rows of the holdout.
    `uneven` classes: the best recipe is tried with class weights, too.
    """
    params = params_of(recipes[0])
    parts = _folds(params, rows)
    task, test_rows = params.model.task, np.concatenate([fold.test for fold in parts])
    tried = [Tried(None, np.concatenate([_guess(params, rows, fold) for fold in parts]))]
    with Progress("recipes", len(recipes) + uneven) as progress:
        for recipe in recipes:
            tried.append(_tried(recipe, params_of, rows, parts))
            progress.add(1)
        best = _best(tried[1:]).recipe
        if uneven and best is not None:
            tried.append(_tried(best.with_class_weights(), params_of, rows, parts))
            progress.add(1)
    if task == "regression":
        variance = float(rows.target[test_rows].var()) or 1.0
        tried = [Tried(trial.recipe, trial.losses / variance) for trial in tried]
    return Comparison(task, len(parts), len(rows.target), held_out, tuple(tried))


def _tried(recipe: Recipe, params_of: Callable[[Recipe], Params], rows: Rows, parts: Sequence[Fold]) -> Tried:
    params = params_of(recipe)
    loss = _squared_error if params.model.task == "regression" else _log_loss
    model = train.build(params)
    try:
        if recipe.grows:
            count, losses = rounds.chosen(model, rows.frame, rows.target, parts, loss)
            return Tried(recipe.with_rounds(count), np.concatenate(losses))
        losses = []
        for fold in parts:
            order = np.sort(fold.train)
            fitted = train.fit(model, rows.frame.iloc[order], rows.target[order])
            losses.append(loss(rows.target[fold.test], fitted, rows.frame.iloc[fold.test]))
    except (ConfigurationError, ValueError) as error:
        raise DataContractError(
            f"a first model cannot be trained on this table: {error}; more rows would help"
        ) from error
    return Tried(recipe, np.concatenate(losses))


def _best(tried: Sequence[Tried]) -> Tried:
    best = tried[0]
    for trial in tried[1:]:
        gain, error = trial.better_by(best)
        best = trial if gain > error else best
    return best


def _squared_error(truth: np.ndarray, model: Any, inputs: Any) -> np.ndarray:
    return np.asarray(np.square(model.predict(inputs) - truth))


def _log_loss(truth: np.ndarray, model: Any, inputs: Any) -> np.ndarray:
    classes = np.asarray(model.classes_)
    places = np.minimum(np.searchsorted(classes, truth), len(classes) - 1)
    possible = classes[places] == truth  # by time, a class may come later than all that is trained on
    chances = np.where(possible, model.predict_proba(inputs)[np.arange(len(truth)), places], 0.0)
    return np.asarray(-np.log(np.maximum(chances, np.finfo(np.float64).eps)))


def _guess(params: Params, rows: Rows, fold: Fold) -> np.ndarray:
    past, target = rows.target[fold.train], rows.target[fold.test]
    if params.model.task == "regression":
        return np.asarray(np.square(target - past.mean()))
    names, counts = np.unique(past.astype(str), return_counts=True)
    shares = dict(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True))
    chances = np.array([shares.get(name, 0.0) for name in target.astype(str).tolist()])
    return np.asarray(-np.log(np.maximum(chances, np.finfo(np.float64).eps)))


def _folds(params: Params, rows: Rows) -> list[Fold]:
    """Five folds, or three of many rows; fewer where the rows, or those of the rarest class, do not reach."""
    most = 5 if rows.frame.size <= _FIVE else 3
    labels = rows.target if params.model.task == "classification" else None
    for count in range(most, 1, -1):
        try:
            if rows.moments is not None:
                return folds.by_time(rows.units, rows.moments, count)
            return folds.spread(rows.units, labels, count, params.prepare.split.seed)
        except ConfigurationError:
            continue
    raise DataContractError(
        f"the training part has {quantity(len(rows.target), 'row')}, too few to try a model on: no two parts of it "
        "hold every class, or a row that is new; add rows"
    )
