"""The kserve.Model: a verified artifact that answers columns, and KServe's own calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kserve.errors import InvalidInput
from kserve.model import Model as KServeModel
from kserve.protocol.infer_type import InferRequest, InferResponse

from artifact.errors import InvalidRequest
from artifact.load import Loaded
from artifact.prediction import Columns, Prediction
from artifact.validation import Validator
from predictor.errors import NoAnswer
from predictor.protocols import v1, v2
from predictor.serving.batcher import Worker

DIGEST_HEADER = "x-model-digest"


class Model(KServeModel):
    """One verified model. It is ready from the start: what does not verify never becomes a Model."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded.manifest.model)
        self.digest = loaded.digest
        self.signature = loaded.signature
        self.profile = loaded.profile
        self.engine = loaded.manifest.engine.name
        self.validator = Validator(loaded.signature)
        self.worker = Worker(loaded.runner, loaded.sample, batching=loaded.manifest.engine.batching)
        self.ready = True

    def load(self) -> bool:
        """KServe asks again for a model that is not ready; the bytes were verified before the server listened."""
        return self.ready

    async def infer(self, columns: Columns) -> Prediction:
        """Predict `columns`, made by the validator: at once where that is shorter than handing them to a thread."""
        return await self.worker.predict(columns)

    async def predict(
        self, payload: dict[str, Any] | InferRequest, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any] | InferResponse:
        """What KServe's own stack calls (CloudEvents, or a call in this process): the same answers as on the wire."""
        try:
            if isinstance(payload, InferRequest):
                request = v2.from_kserve(self.validator, payload)
                return v2.to_kserve(self, request, await self.infer(request.columns))
            asked = v1.parse(self.validator, payload)
            return v1.answer(asked, await self.infer(asked.columns))
        except (InvalidRequest, NoAnswer) as error:
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
