"""Explains rows of one model: each input's share of its scores, checked against the scores themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.pipeline import Pipeline

from artifact import checkpoint
from artifact.engines.table import MODEL
from artifact.explanation import background, contributions, sources
from artifact.explanation.background import LINEAR, Background
from artifact.explanation.explanation import Explanation, NotApplicable, together
from artifact.prediction import Columns, rows
from artifact.signature import Signature
from artifact.unpickling import unpickle
from artifact.validation.frame import from_columns

_ROWS = 64  # explained together, before whoever waits is asked whether they still do
# Of the largest score or share: XGBoost adds up its shares in float32.
_EXACT = 1e-5


class Explainer:
    """Takes the scores of one fitted Pipeline apart."""

    def __init__(self, model: Any, signature: Signature, described: Background) -> None:
        """NotApplicable where the model is of no kind that can be; IncompatibleError (22) without an extra it takes."""
        self.background = described
        self._signature = signature
        self._before, self._estimator = parts(model)
        self._sources = sources.of(self._before, signature.names)
        self._places = [np.flatnonzero(self._sources == place) for place in range(len(signature.names))]
        if described.method == LINEAR:
            self._contribute = contributions.linear(self._estimator, np.array(described.means))
        else:
            self._contribute = contributions.trees(self._estimator)

    def explain(self, columns: Columns) -> Explanation:
        """What each input adds to the scores of each row of `columns`, feature → [rows].

        Raises ValueError where the shares of a row do not add up to its score.
        """
        count = rows(columns)
        pieces = [
            self._some({name: values[start : start + _ROWS] for name, values in columns.items()})
            for start in range(0, count, _ROWS)
        ]
        return together(pieces)

    def _some(self, columns: Columns) -> Explanation:
        checkpoint.check()
        with config_context(skip_parameter_validation=True):
            numbers = behind(self._before, from_columns(self._signature, columns))
            base, each = self._contribute(numbers)
            shares = np.stack([each[:, :, places].sum(axis=2) for places in self._places], axis=2)
            explanation = Explanation(self.background.outputs, np.asarray(base, dtype=np.float64), shares)
            due = self._due(contributions.scores(self._estimator, numbers))
        size = np.abs(shares).max(axis=(1, 2), initial=1.0)[:, None] + np.abs(due)
        if explanation.scores.shape != due.shape or not (np.abs(explanation.scores - due) <= _EXACT * size).all():
            raise ValueError("the shares of a row do not add up to its score")
        return explanation

    def _due(self, scores: np.ndarray) -> np.ndarray:
        return np.log(scores) if self._on_a_log_scale else scores

    @property
    def _on_a_log_scale(self) -> bool:
        return self.background.scale == background.LOG and not hasattr(self._estimator, "margins")


def parts(model: Any) -> tuple[list[Any], Any]:
    """The transformers of a Pipeline, and its estimator."""
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    return [step for step in steps[:-1] if step != "passthrough"], steps[-1]


def behind(before: list[Any], table: Any) -> np.ndarray:
    """`table` as the estimator sees it: float64, [rows, columns]."""
    for transformer in before:
        table = transformer.transform(table)
    return np.asarray(table.toarray() if issparse(table) else table, dtype=np.float64)


def of_artifact(files: Mapping[str, bytes], signature: Signature) -> Explainer:
    """The explainer of an artifact that `artifact.load.verify` read: `files` is its `files`.

    Raises KeyError for an artifact without background.json, because it was trained without `package.explain`.
    """
    described = Background.from_bytes(files[background.FILE])
    return Explainer(unpickle.loads(files[MODEL]), signature, described)


__all__ = ["Explainer", "NotApplicable", "behind", "of_artifact", "parts"]
