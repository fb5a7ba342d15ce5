"""A predictor whose Model overrides one method: `python -m tests.predictor.overriding METHOD --model_dir …`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np

from artifact.command import run
from artifact.prediction import Columns, Prediction
from predictor import __main__ as predictor
from predictor import kserve_import
from predictor.protocols.explained import Explained
from predictor.protocols.request import Answer, Decoded, Request

with kserve_import.kserve():
    from predictor import model

VIRGINICA = (6.3, 3.3, 6.0, 2.5)


class Preprocess(model.Model):
    """Validates as ever, and then takes each row for this one."""

    def preprocess(self, decoded: Decoded, closely: bool = True) -> Request:
        request: Any = super().preprocess(decoded, closely)
        count = len(next(iter(request.columns.values())))
        row = dict(zip(request.columns, VIRGINICA, strict=True))
        changed: Request = replace(request, columns={name: np.full(count, value) for name, value in row.items()})
        return changed


class Predict(model.Model):
    """Answers with the same label for each row."""

    def predict(self, columns: Columns, quick: bool = False) -> Prediction:
        return relabelled(super().predict(columns, quick))


class Explain(model.Model):
    """Explains the same, with nothing added by any feature."""

    def explain(self, columns: Columns) -> Explained:
        explained = super().explain(columns)
        nothing = np.zeros_like(explained.explanation.contributions)
        return replace(explained, explanation=replace(explained.explanation, contributions=nothing))


class Postprocess(model.Model):
    """Writes the same label for each row."""

    def postprocess(self, request: Request, prediction: Prediction) -> Answer:
        return super().postprocess(request, relabelled(prediction))


def relabelled(prediction: Prediction) -> Prediction:
    """`prediction` with one label for all rows, and its own probabilities."""
    return replace(prediction, values=np.full(len(prediction.values), "virginica", dtype=object))


KINDS: dict[str, type[model.Model]] = {
    "preprocess": Preprocess,
    "predict": Predict,
    "explain": Explain,
    "postprocess": Postprocess,
}

if __name__ == "__main__":
    model.Model = KINDS[sys.argv.pop(1)]  # type: ignore[misc]
    run(predictor.main)
