"""The background that an artifact explains its answers with: which method fits the model, on which scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from artifact.engines.boosted import BoostedClassifier, BoostedRegressor
from artifact.errors import ConfigurationError
from artifact.explanation import background, contributions, explainer
from artifact.explanation.background import Background
from artifact.explanation.explanation import NotApplicable
from artifact.prediction import Columns, lots
from artifact.signature import Signature, label_text
from artifact.validation.frame import from_columns
from pipeline.shared.stored_columns import beginning

_TRIED = 100  # held-out rows whose shares have to add up
_CLOSE = 1e-9


def background_of(model: Any, signature: Signature, train: Columns, test: Columns) -> Background:
    """For a fitted Pipeline, tried on held-out rows; ConfigurationError (10) where it cannot be explained."""
    try:
        some = beginning(test, _TRIED)
        result = _background(model, signature, train, some)
        explainer.Explainer(model, signature, result).explain(some)
    except (NotApplicable, ValueError) as error:
        raise ConfigurationError(
            f"params.yaml: package.explain: {error}; set it to false: the importance of features in the report needs "
            "no such model"
        ) from error
    return result


def _background(model: Any, signature: Signature, train: Columns, some: Columns) -> Background:
    if signature.task not in ("classification", "regression") or len(signature.outputs) > 2:
        raise NotApplicable(f"a model of {signature.task} with {len(signature.outputs)} outputs has no one score")
    before, estimator = explainer.parts(model)
    kind = getattr(estimator, "kind", type(estimator).__name__)
    numbers = explainer.behind(before, from_columns(signature, some))
    if contributions.is_trees(estimator):
        return Background(background.TREES, _scale(signature, estimator, numbers), _names(signature, estimator))
    if not contributions.is_linear(estimator):
        raise NotApplicable(f"{kind} is neither linear nor made of trees")
    means = _means(before, signature, train)
    scale = _scale(signature, estimator, numbers)
    return Background(background.LINEAR, scale, _names(signature, estimator), tuple(means.tolist()))


def _means(before: list[Any], signature: Signature, train: Columns) -> np.ndarray:
    """The mean of each column behind the preprocessing, computed a lot of rows at a time."""
    total, count = np.zeros(1), 0
    for lot in lots(train):
        numbers = explainer.behind(before, from_columns(signature, lot))
        total, count = total + numbers.sum(axis=0), count + len(numbers)
    return np.asarray(total / count)


def _names(signature: Signature, estimator: Any) -> tuple[str, ...]:
    """The classes that have a score, or the targets."""
    first = signature.outputs[0]
    if signature.task == "regression":
        return first.columns or (first.name,)
    labels = tuple(map(label_text, first.categories or ()))
    return labels[1:] if len(labels) == 2 else labels


def _scale(signature: Signature, estimator: Any, numbers: np.ndarray) -> str:
    if signature.task == "classification":
        if not hasattr(estimator, "predict_proba"):
            return background.SCORE
        if isinstance(estimator, BoostedClassifier) or hasattr(estimator, "decision_function"):
            return background.LOG_ODDS if _are_log_odds(estimator, numbers) else background.SCORE
        return background.PROBABILITY
    answers = np.asarray(estimator.predict(numbers), dtype=np.float64).reshape(len(numbers), -1)
    if isinstance(estimator, BoostedRegressor):
        raw = contributions.scores(estimator, numbers)
    elif contributions.is_linear(estimator):
        raw = numbers @ np.atleast_2d(estimator.coef_).T + np.ravel(estimator.intercept_)
    else:
        return background.LOG if getattr(estimator, "loss", "") in ("poisson", "gamma") else background.TARGET
    if np.allclose(answers, raw, rtol=_CLOSE, atol=_CLOSE):
        return background.TARGET
    if np.allclose(answers, np.exp(raw), rtol=_CLOSE, atol=_CLOSE):
        return background.LOG
    raise NotApplicable(f"{type(estimator).__name__} answers neither its score nor the exponential of it")


def _are_log_odds(estimator: Any, numbers: np.ndarray) -> bool:
    """Whether the probabilities are the sigmoid or the softmax of the scores, up to a factor of one."""
    scores = contributions.scores(estimator, numbers)
    chances = np.asarray(estimator.predict_proba(numbers))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(chances)
        if scores.shape[1] == 1:
            return bool(np.allclose(logs[:, 1] - logs[:, 0], scores[:, 0], rtol=1e-4, atol=1e-4, equal_nan=True))
        apart, raw = logs - logs[:, :1], scores - scores[:, :1]
    finite = np.isfinite(apart)
    return bool(np.allclose(apart[finite], raw[finite], rtol=1e-4, atol=1e-4))
