"""Explanations in answers: what `:explain` of v1, and the parameter `explain` of v2, add to a prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from artifact.explanation.background import Background
from artifact.explanation.explanation import Explanation
from artifact.prediction import Prediction
from artifact.signature import Signature

BASE, CONTRIBUTIONS, OUTPUTS = "explanation_base", "explanation_contributions", "explanation_outputs"
# The tensors of v2 that hold an explanation: [outputs], [rows, outputs, inputs], and the names of the outputs.
DATATYPES = {BASE: "FP64", CONTRIBUTIONS: "FP64", OUTPUTS: "BYTES"}


@dataclass(frozen=True)
class Explained:
    """An explanation, and how it was made."""

    explanation: Explanation
    background: Background

    @property
    def parameters(self) -> dict[str, str]:
        """What v2 says beside the tensors."""
        return {"explanation_method": self.background.method, "explanation_scale": self.background.scale}

    def array(self, name: str) -> np.ndarray:
        """The tensor of this name."""
        if name == OUTPUTS:
            return np.array(self.explanation.outputs, dtype=object)
        return self.explanation.base if name == BASE else self.explanation.contributions

    def to_dict(self, signature: Signature) -> dict[str, Any]:
        """The object `explanations` of v1, its arrays as they are."""
        return {
            "method": self.background.method,
            "scale": self.background.scale,
            "features": list(signature.names),
            "outputs": list(self.explanation.outputs),
            "base": self.explanation.base,
            "contributions": self.explanation.contributions,
        }


@dataclass(slots=True, eq=False)
class ExplainedPrediction(Prediction):
    """A prediction with its explanation."""

    explained: Explained | None = None

    @classmethod
    def of(cls, prediction: Prediction, explained: Explained) -> ExplainedPrediction:
        """`prediction` and what explains it."""
        return cls(prediction.values, prediction.probabilities, prediction.more, explained)

    def array(self, output: str) -> np.ndarray:
        """The array of an output of the signature, or of DATATYPES."""
        if output in DATATYPES and self.explained is not None:
            return self.explained.array(output)
        return Prediction.array(self, output)
