"""The v2 protocol over gRPC: raw and typed contents, the same validation and the same model call as REST."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from predictor import errors
from predictor.grpc import infer_request
from predictor.grpc.calls import Calls
from predictor.grpc.layouts import Layouts
from predictor.grpc.message_limits import MessageLimits
from predictor.grpc.receive import Receiver
from predictor.observe.exchange import PURPOSE, REQUEST_ID, TRACEPARENT, Exchange
from predictor.protocols.request import Answer
from predictor.serving.lifecycle import Lifecycle
from predictor.serving.steps import begin

_log = logging.getLogger("predictor")


class Servicer(InferenceServicer):
    """KServe's servicer, with infer and metadata answered from the signature and the repository calls refused."""

    def __init__(self, data_plane: DataPlane, repository: ModelRepositoryExtension, lifecycle: Lifecycle) -> None:
        super().__init__(data_plane, repository)
        self._lifecycle = lifecycle
        self._model = lifecycle.model
        self._headers = lifecycle.model.headers
        self._receiver = Receiver(lifecycle.settings)
        self._limits = MessageLimits(lifecycle.model.signature)
        self._layouts = Layouts(self._decode)
        self._calls = Calls(lifecycle, self._layouts) if lifecycle.settings.fast_path == "on" else None
        self._metadata = pb.ModelMetadataResponse(**lifecycle.model.metadata())

    async def infer(self, _: Any, context: Any) -> bytes:
        """ModelInfer from bytes to bytes: the message is received when there is room for it, decoded in its turn."""
        metadata = dict(context.invocation_metadata() or ())
        ids = (_text(metadata.get(name)) for name in (REQUEST_ID, TRACEPARENT, PURPOSE))
        exchange = begin("grpc", *ids)
        # What trails an answer goes out with it, errors included; what leads it would be a second write.
        context.set_trailing_metadata((*self._headers, (REQUEST_ID, exchange.request_id)))
        data = b""
        try:
            data = await self._receiver.read(context)
            exchange.received = len(data)
            answer = None if self._calls is None else await self._calls.answer(data, exchange)
            if answer is None:
                answer = await self._serve(data, exchange)
        except asyncio.CancelledError:
            self._lifecycle.account(exchange, "CANCELLED", errors.Disconnected())
            raise
        except Exception as error:
            self._lifecycle.account(exchange, errors.grpc_status(error).name, error)
            await _abort(context, error)
            raise
        finally:
            data = b""
        self._lifecycle.account(exchange, "OK")
        return answer.body

    async def _serve(self, data: bytes, exchange: Exchange) -> Answer:
        """The answer to a message by itself; the error says why there is none."""
        self._lifecycle.buffers.take(len(data))
        try:
            return await self._lifecycle.serve(exchange, lambda: self._layouts.decode(data))
        finally:
            self._lifecycle.buffers.give(len(data))
            data = b""  # an error's frames would hold the message

    async def ModelReady(self, request: pb.ModelReadyRequest, context: Any) -> pb.ModelReadyResponse:
        """Whether the named model is ready; NOT_FOUND for any other."""
        try:
            self._check_name(request.name, request.version)
        except errors.NotFound as error:
            await _abort(context, error)
        return pb.ModelReadyResponse(ready=self._lifecycle.ready)

    async def ModelMetadata(self, request: pb.ModelMetadataRequest, context: Any) -> pb.ModelMetadataResponse:
        """The inputs and outputs of the signature, and the digest as the one version."""
        try:
            self._check_name(request.name, request.version)
        except errors.NotFound as error:
            await _abort(context, error)
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


def _text(value: str | bytes | None) -> str | None:
    return value if isinstance(value, str) else None


async def _abort(context: Any, error: Exception) -> None:
    code = errors.grpc_status(error)
    if code is grpc.StatusCode.INTERNAL:
        _log.exception("an infer call failed")
    # Its frames hold the message, and gRPC holds it: in a cycle that waits for a collection, which is not for its size.
    error.__traceback__ = None
    await context.abort(code, errors.message(error))
