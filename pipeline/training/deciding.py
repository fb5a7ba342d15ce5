"""How a fitted classifier's labels follow from its probabilities: as params.yaml says, or tuned on folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from artifact.decision import Decision
from artifact.errors import ConfigurationError
from artifact.prediction import Prediction
from artifact.signature import label_text
from pipeline.params import metrics
from pipeline.params.decision import Decide
from pipeline.params.params import Params
from pipeline.training import deciding_labels, declared_folds, threshold_search
from pipeline.training.folds import Fold

_CANDIDATES = 200  # thresholds tried of one of two classes: quantiles of what the folds answered
_SWEEPS = 3


def decided(params: Params, fitted: Pipeline, frame: pd.DataFrame, target: np.ndarray) -> Decision | None:
    """The decision of train.decision for `fitted`; None where there is none.

    To tune thresholds the model is trained anew on folds, and the rows of each fold that it was not trained on tell
    which thresholds are best: on rows that it was trained on, a model is too sure.
    """
    decide = params.train.decision
    if decide is None:
        return None
    if not hasattr(fitted, "predict_proba"):
        raise ConfigurationError(
            f"params.yaml: train.decision needs probabilities, and {params.train.estimator} gives none; "
            "calibrate it with train.calibration, or use another estimator"
        )
    if params.model.task == "multilabel":
        return deciding_labels.decided(params, fitted, frame, target)
    classes = np.asarray(fitted.classes_)
    named = [label_text(value) for value in classes.tolist()]
    if decide.thresholds is not None:
        return Decision(thresholds=_thresholds(decide.thresholds, named))
    if decide.costs is not None:
        return Decision(costs=costs(decide, named))
    parts = declared_folds.of(params, target, decide.folds, decide.seed)
    return _tuned(params, clone(fitted), classes, frame, target, parts)


def costs(decide: Decide, classes: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    """[true class][answered class] in the order of `classes`; what is not declared is 0."""
    declared = decide.costs or {}
    return tuple(tuple(declared.get(true, {}).get(answered, 0.0) for answered in classes) for true in classes)


def _thresholds(declared: dict[str, float], classes: Sequence[str]) -> tuple[float, ...]:
    missing = [name for name in classes if name not in declared]
    if len(classes) == 2 and len(missing) == 1:
        declared = {**declared, missing[0]: 1 - next(value for name, value in declared.items() if name in classes)}
    elif missing:
        raise ConfigurationError(
            f"params.yaml: train.decision.thresholds has none for the class {missing[0]!r}; name one for each of "
            f"{', '.join(classes)}, or for one of two"
        )
    return tuple(declared[name] for name in classes)


def _tuned(
    params: Params,
    model: Pipeline,
    classes: np.ndarray,
    frame: pd.DataFrame,
    target: np.ndarray,
    parts: Sequence[Fold],
) -> Decision:
    rows = np.concatenate([fold.test for fold in parts])
    chances = np.concatenate([_answered(model, classes, frame, target, fold) for fold in parts])
    decide, catalogue = params.train.decision, params.catalogue
    assert decide is not None
    metric = str(decide.metric)
    sign = 1.0 if catalogue[metric].more_is_better else -1.0

    def score(thresholds: Sequence[float]) -> float:
        labels = classes[Decision(tuple(thresholds)).label_places(chances)]
        measures = metrics.measures("classification", target[rows], Prediction(labels, chances), classes, catalogue)
        return sign * measures[metric](np.ones(len(rows)))

    if len(classes) == 2:
        tried = np.unique(np.quantile(chances[:, 1], np.linspace(0, 1, _CANDIDATES + 1)).clip(1e-6, 1 - 1e-6))
        tried = tried[np.argsort(np.abs(tried - 0.5), kind="stable")]  # of equals the one nearest to a half
        best = max([0.5, *tried.tolist()], key=lambda chance: score((1 - chance, chance)))
        return Decision((1 - best, best))
    return threshold_search.best(len(classes), _SWEEPS, score)


def _answered(model: Pipeline, classes: np.ndarray, frame: pd.DataFrame, target: np.ndarray, fold: Fold) -> np.ndarray:
    """Probabilities of the rows of a fold by a model that did not see them, [rows, classes]; 0 for a class that was not
    among the rows that it was trained on."""
    fitted = clone(model).fit(frame.iloc[fold.train], target[fold.train])
    chances = np.zeros((len(fold.test), len(classes)))
    places = [int(np.flatnonzero(classes == value)[0]) for value in fitted.classes_]
    chances[:, places] = fitted.predict_proba(frame.iloc[fold.test])
    return chances
