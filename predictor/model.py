"""The kserve.Model: a verified artifact that answers frames, and KServe's own calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import kserve
import numpy as np
import pandas as pd
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import InferRequest, InferResponse

from artifact.engine import Prediction
from artifact.errors import InvalidRequest
from artifact.load import Loaded
from predictor import v1, v2

DIGEST_HEADER = "x-model-digest"
_FLOAT32_MAX = float(np.finfo(np.float32).max)


class Model(kserve.Model):
    """One verified model. It is ready from the start: what does not verify never becomes a Model."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded.manifest.model)
        self.digest = loaded.digest
        self.signature = loaded.signature
        self._runner = loaded.runner
        self.ready = True

    def load(self) -> bool:
        """KServe asks again for a model that is not ready; the bytes were verified before the server listened."""
        return self.ready

    async def infer(self, frame: pd.DataFrame) -> Prediction:
        """Predict `frame` ([rows, features], of artifact.validation) off the event loop: health answers meanwhile."""
        try:
            prediction = await asyncio.to_thread(self._runner.predict, frame)
            for numbers in (prediction.values, prediction.probabilities):
                if numbers is not None and numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
                    raise ArithmeticError("the model answered a number that is not finite")
        except (ArithmeticError, ValueError):
            _blame(frame)
            raise
        return prediction

    async def predict(
        self, payload: dict[str, Any] | InferRequest, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any] | InferResponse:
        """What KServe's own stack calls (CloudEvents, or a call in this process): the same answers as on the wire."""
        try:
            if isinstance(payload, InferRequest):
                request = v2.from_kserve(self.signature, payload)
                return v2.to_kserve(self, request, await self.infer(request.frame))
            asked = v1.parse(self.signature, payload)
            return v1.answer(asked, await self.infer(asked.frame))
        except InvalidRequest as error:
            raise InvalidInput(str(error)) from error

    def get_input_types(self) -> list[dict[str, Any]]:
        """The inputs as v2 metadata: one tensor a feature, shape [rows]."""
        return [
            {"name": feature.name, "datatype": v2.DATATYPES[feature.dtype], "shape": [-1]}
            for feature in self.signature.inputs
        ]

    def get_output_types(self) -> list[dict[str, Any]]:
        """The outputs as v2 metadata: shape [rows], or [rows, classes]."""
        return [
            {
                "name": output.name,
                "datatype": v2.DATATYPES[output.dtype],
                "shape": [-1] if output.columns is None else [-1, len(output.columns)],
            }
            for output in self.signature.outputs
        ]


def _blame(frame: pd.DataFrame) -> None:
    """InvalidRequest for the first value that is more than float32 holds, which is what many estimators compute in."""
    for name, column in frame.items():
        if column.dtype.kind == "f":
            beyond = np.abs(column.to_numpy()) > _FLOAT32_MAX
            if beyond.any():
                row = int(np.argmax(beyond))
                raise InvalidRequest(
                    f"feature {name!r}, row {row}: {column.iloc[row].item()} is more than this model can compute with"
                )
