"""The recipes tried on the training part, by cross-validation: which predicts best, and how good guessing is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from artifact import signature
from artifact.engines.sklearn_runner import SklearnRunner
from artifact.errors import ConfigurationError, DataContractError
from artifact.prediction import Prediction
from artifact.validation.frame import columns
from pipeline.params import metrics
from pipeline.params.params import Params
from pipeline.shared.progress import Progress
from pipeline.training import folds, train
from pipeline.training.folds import Fold

METRIC = {"classification": "log_loss", "regression": "r2"}
_CELLS = 10_000_000  # of the training part that the recipes are tried on: rows × columns
_ROWS = 20_000
_FEW = 5_000  # rows: up to as many are cut into five parts, more into three
_NOISE = 2.0  # standard errors


@dataclass(frozen=True)
class Rows:
    """The training part: features, target, and what keeps rows together and orders them, [rows] each."""

    frame: pd.DataFrame
    target: np.ndarray
    units: np.ndarray
    moments: np.ndarray | None


@dataclass(frozen=True)
class Tried:
    """A recipe by its name; its loss for each row that was judged, [judged]."""

    name: str
    losses: np.ndarray

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
        """The recipe of the smallest loss, the first of equals."""
        return min(self.tried[1:], key=lambda one: one.loss)

    def score(self, one: Tried) -> float:
        """Its loss as the metric of the gate."""
        return one.loss if self.task == "classification" else 1.0 - one.loss

    @property
    def threshold(self) -> float:
        """Half way from guessing to the best recipe, and further towards guessing where a holdout of `held_out` rows
        could miss that by chance; never beyond guessing. In the metric of the gate, to three digits."""
        best, guess = self.best, self.guess
        noise = _NOISE * float(best.losses.std()) / math.sqrt(max(self.held_out, 1))
        limit = min(max((best.loss + guess.loss) / 2, best.loss + noise), guess.loss)
        if self.task == "classification":
            return math.ceil(limit * 1000) / 1000 if limit < guess.loss else math.floor(limit * 1000) / 1000
        return max(0.0, math.floor((1.0 - limit) * 1000) / 1000)

    @property
    def sentences(self) -> list[str]:
        """What was compared, for the comment beside the threshold and for the screen."""
        metric = METRIC[self.task]
        scores = ", ".join(f"{one.name} {self.score(one):.3f}" for one in self.tried)
        lines = [f"{metric} by {self.folds}-fold cross-validation on {self.rows} training rows: {scores}"]
        others = [one for one in self.tried[1:] if one is not self.best]
        for other in others[:1]:
            gain, error = self.best.better_by(other)
            lines.append(f"{self.best.name} is better than {other.name} by {gain:.3g} ± {error:.2g} ({metric})")
        return lines


def compare(candidates: Sequence[tuple[str, Params]], rows: Rows, held_out: int) -> Comparison:
    """Cross-validate each candidate as params.yaml would train it; DataContractError (40) where the table is too small.

    Folds are made as the holdout was: units together, classes spread, time forward. `held_out`: rows of the holdout.
    """
    params = candidates[0][1]
    rows = _some(rows)
    parts = _folds(params, rows)
    judged = np.concatenate([fold.test for fold in parts])
    tried = [Tried("guessing", np.concatenate([_guess(params, rows, fold) for fold in parts]))]
    with Progress("fits", len(candidates) * len(parts)) as progress:
        for name, one in candidates:
            losses = list(_losses(one, rows, parts, progress))
            tried.append(Tried(name, np.concatenate(losses)))
    if params.model.task == "regression":
        variance = float(rows.target[judged].var()) or 1.0
        tried = [Tried(one.name, one.losses / variance) for one in tried]
    return Comparison(params.model.task, len(parts), len(rows.target), held_out, tuple(tried))


def _losses(params: Params, rows: Rows, parts: Sequence[Fold], progress: Progress) -> Iterator[np.ndarray]:
    model = train.build(params)
    for fold in parts:
        order = np.sort(fold.train)
        try:
            fitted = train.fit(model, rows.frame.iloc[order], rows.target[order])
        except (ConfigurationError, ValueError) as error:
            raise DataContractError(
                f"a first model cannot be trained on this table: {error}; more rows would help"
            ) from error
        described = signature.for_model(params.model.task, params.features, params.target, fitted)
        prediction = SklearnRunner(fitted, described).predict(columns(rows.frame.iloc[fold.test]))
        known = np.asarray(fitted.classes_) if params.model.task == "classification" else np.empty(0)
        yield _loss(params, rows.target[fold.test], prediction, known)
        progress.add(1)


def _loss(params: Params, target: np.ndarray, prediction: Prediction, classes: np.ndarray) -> np.ndarray:
    if params.model.task == "regression":
        return np.asarray(np.square(prediction.values - target))
    known = np.isin(target, classes)  # by time, a class may come later than all that is trained on
    loss = np.full(len(target), -math.log(np.finfo(np.float64).eps))
    loss[known] = metrics.losses(
        "log_loss", "classification", target[known], prediction.taken(np.flatnonzero(known)), classes
    )[1]
    return loss


def _guess(params: Params, rows: Rows, fold: Fold) -> np.ndarray:
    known, target = rows.target[fold.train], rows.target[fold.test]
    if params.model.task == "regression":
        return np.asarray(np.square(target - known.mean()))
    names, counts = np.unique(known.astype(str), return_counts=True)
    shares = dict(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True))
    chances = np.array([shares.get(name, 0.0) for name in target.astype(str).tolist()])
    return np.asarray(-np.log(np.maximum(chances, np.finfo(np.float64).eps)))


def _some(rows: Rows) -> Rows:
    """All rows, or as many as keep the comparison short, spread evenly over them."""
    most = max(1000, min(_ROWS, _CELLS // max(1, rows.frame.shape[1])))
    if len(rows.target) <= most:
        return rows
    kept = np.unique(np.linspace(0, len(rows.target) - 1, most).round().astype(int))
    moments = None if rows.moments is None else rows.moments[kept]
    return Rows(rows.frame.iloc[kept], rows.target[kept], rows.units[kept], moments)


def _folds(params: Params, rows: Rows) -> list[Fold]:
    """Five folds, or three of many rows; fewer where the rows, or those of the rarest class, do not reach."""
    most = 5 if len(rows.target) <= _FEW else 3
    labels = rows.target if params.model.task == "classification" else None
    for count in range(most, 1, -1):
        try:
            if rows.moments is not None:
                return folds.by_time(rows.units, rows.moments, count)
            return folds.spread(rows.units, labels, count, params.prepare.split.seed)
        except ConfigurationError:
            continue
    raise DataContractError(
        f"{len(rows.target)} rows to train on are too few to try a model on: no two parts of them hold every class, "
        "or a row that is new; add rows"
    )
