"""KServe's calls of the v2 protocol over gRPC, answered from the signature; the repository calls are refused."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import message_factory
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from predictor import errors
from predictor.grpc import infer_request
from predictor.grpc.calls import Infer
from predictor.grpc.layouts import Layouts
from predictor.grpc.message_limits import MessageLimits
from predictor.grpc.methods import Method
from predictor.serving.lifecycle import Lifecycle

_SERVICE = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
INFER_PATH = f"/{_SERVICE.full_name}/ModelInfer"


class Servicer(InferenceServicer):
    """KServe's servicer, with metadata and readiness of the one model; `infer` answers ModelInfer."""

    def __init__(self, data_plane: DataPlane, repository: ModelRepositoryExtension, lifecycle: Lifecycle) -> None:
        super().__init__(data_plane, repository)
        self._lifecycle = lifecycle
        self._model = lifecycle.model
        self._limits = MessageLimits(lifecycle.model.signature)
        self._metadata = pb.ModelMetadataResponse(**lifecycle.model.metadata())
        self.infer = Infer(lifecycle, Layouts(self._decode))

    def methods(self) -> dict[str, Method]:
        """The methods beside ModelInfer, by path."""
        return {
            f"/{_SERVICE.full_name}/{method.name}": Method(
                message_factory.GetMessageClass(method.input_type).FromString, getattr(self, method.name)
            )
            for method in _SERVICE.methods
            if method.name != "ModelInfer"
        }

    async def ModelReady(self, request: pb.ModelReadyRequest, context: Any) -> pb.ModelReadyResponse:
        """Whether the named model is ready; NOT_FOUND for any other."""
        self._check_name(request.name, request.version)
        return pb.ModelReadyResponse(ready=self._lifecycle.ready)

    async def ModelMetadata(self, request: pb.ModelMetadataRequest, context: Any) -> pb.ModelMetadataResponse:
        """The inputs and outputs of the signature, and the digest as the one version."""
        self._check_name(request.name, request.version)
        return self._metadata

    async def RepositoryModelLoad(self, request: Any, context: Any) -> Any:
        """Refused: Git names the model, not a caller."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "this server holds one model, named by Git")

    async def RepositoryModelUnload(self, request: Any, context: Any) -> Any:
        """Refused: Git names the model, not a caller."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "this server holds one model, named by Git")

    def _check_name(self, name: str, version: str) -> None:
        if name != self._model.name:
            raise errors.NotFound(f"model {name[:200]!r} does not exist; this server holds {self._model.name!r}")
        if version and version != self._model.digest:
            raise errors.NotFound(f"version {version[:200]!r} does not exist; this server holds {self._model.digest}")

    def _decode(self, data: bytes) -> infer_request.Decoded:
        self._limits.check(data)
        decoded = infer_request.decode(data)
        self._check_name(decoded.message.model_name, decoded.message.model_version)
        return decoded
