"""The answers to the held-out rows. Each row must have one: a model that skips hard rows would look too good."""

from __future__ import annotations

import numpy as np

from artifact.engines import unanswered
from artifact.errors import ConfigurationError
from artifact.prediction import Columns, Prediction, Runner, lots, together

_MOST_FEATURES = 6  # features of a row


def answers(runner: Runner, holdout: Columns) -> Prediction:
    """The answers of `runner`; ConfigurationError (10) names the first row for which it raises, or has no finite
    number.
    """
    prediction = together([_answered(runner, lot) for lot in lots(holdout)])
    missing = np.flatnonzero(~prediction.finite())
    if len(missing):
        words = f"the model has no finite answer for {len(missing)} of {len(prediction.values)} held-out rows"
        raise _unanswered(holdout, int(missing[0]), words)
    return prediction


def _answered(runner: Runner, lot: Columns) -> Prediction:
    try:
        return runner.predict(lot)
    except Exception as error:
        failing = next(unanswered.failing(runner, lot), None)
        if failing is None:
            raise
        raise _unanswered(lot, failing, f"the model fails ({type(error).__name__}: {error!s:.200})") from error


def _unanswered(holdout: Columns, row: int, words: str) -> ConfigurationError:
    cells = ", ".join(f"{name} = {values[row]}" for name, values in list(holdout.items())[:_MOST_FEATURES])
    return ConfigurationError(
        f"{words}, first where {cells}; train an estimator that answers every row (IsotonicRegression with "
        "out_of_bounds: clip, neighbours within a larger radius, QuadraticDiscriminantAnalysis with reg_param), or "
        "narrow the schema to rows that it can answer"
    )
