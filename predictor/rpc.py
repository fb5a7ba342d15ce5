"""The v2 protocol over gRPC: raw and typed contents, the same validation and the same model call as REST."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from artifact.errors import InvalidRequest
from artifact.prediction import Prediction
from predictor import errors, packed, rows, tensors, v2
from predictor.exchange import REQUEST_ID, TRACEPARENT, begin
from predictor.messages import UNREADABLE
from predictor.model import DIGEST_HEADER
from predictor.reception import Reception
from predictor.traffic import Traffic

_FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_log = logging.getLogger("predictor")


class Servicer(InferenceServicer):
    """KServe's servicer, with infer and metadata answered from the signature and the repository calls refused."""

    def __init__(self, data_plane: DataPlane, repository: ModelRepositoryExtension, traffic: Traffic) -> None:
        super().__init__(data_plane, repository)
        self._traffic = traffic
        self._model = traffic.model
        self._reception = Reception(traffic.settings)
        self._named = pb.ModelInferResponse(
            model_name=self._model.name, model_version=self._model.digest
        ).SerializeToString()

    async def infer(self, _: Any, context: Any) -> bytes:
        """ModelInfer from bytes to bytes: the message is received when there is room for it, and decoded in its turn.

        The answer has the form of the inputs: raw for raw contents, typed for typed ones.
        """
        given = dict(context.invocation_metadata() or ())
        exchange = begin("grpc", _text(given.get(REQUEST_ID)), _text(given.get(TRACEPARENT)))
        # What trails an answer goes out with it, errors included; what leads it would be a second write.
        context.set_trailing_metadata(((DIGEST_HEADER, self._model.digest), (REQUEST_ID, exchange.request_id)))
        try:
            data = await self._reception.read(context)
            self._traffic.buffers.take(len(data))
            exchange.received = len(data)
            answer = await self._traffic.serve(exchange, lambda: self._parse(data), self._response)
        except asyncio.CancelledError:
            self._traffic.finished(exchange, "CANCELLED", errors.Disconnected())
            raise
        except Exception as error:
            self._traffic.finished(exchange, errors.grpc_status(error).name, error)
            await _abort(context, error)
            raise
        finally:
            data = b""
            self._traffic.buffers.give(exchange.received)
        exchange.sent = len(answer)
        self._traffic.finished(exchange, "OK")
        return answer

    async def ModelReady(self, request: pb.ModelReadyRequest, context: Any) -> pb.ModelReadyResponse:
        """Whether the named model is ready; NOT_FOUND for any other."""
        try:
            self._check_name(request.name, request.version)
        except errors.NotFound as error:
            await _abort(context, error)
        return pb.ModelReadyResponse(ready=self._traffic.ready)

    async def ModelMetadata(self, request: pb.ModelMetadataRequest, context: Any) -> pb.ModelMetadataResponse:
        """The inputs and outputs of the signature, and the digest as the one version."""
        try:
            self._check_name(request.name, request.version)
        except errors.NotFound as error:
            await _abort(context, error)
        return pb.ModelMetadataResponse(
            name=self._model.name,
            versions=[self._model.digest],
            platform="sklearn",
            inputs=self._model.get_input_types(),
            outputs=self._model.get_output_types(),
        )

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

    def _parse(self, data: bytes) -> v2.Request:
        try:
            request = pb.ModelInferRequest.FromString(data)
        except DecodeError:
            raise InvalidRequest(UNREADABLE) from None
        self._check_name(request.model_name, request.model_version)
        shapes = [list(given.shape) for given in request.inputs]
        rows.check(rows.of_shapes(shapes), self._traffic.settings.rows, len(data))
        raw = len(request.raw_input_contents) > 0
        asked = [(output.name, raw) for output in request.outputs]
        return v2.build(self._model.validator, request.id or None, _inputs(request, shapes), asked, raw)

    def _response(self, request: v2.Request, prediction: Prediction) -> bytes:
        response = pb.ModelInferResponse(id=request.id or "")
        for name, datatype, array in v2.outputs(self._model.signature, request, prediction):
            output = response.outputs.add(name=name, datatype=datatype, shape=array.shape)
            field = _FIELDS[datatype]
            if request.outputs[name]:
                response.raw_output_contents.append(v2.to_raw(datatype, array))
            elif not packed.write(output.contents, field, array):
                values = [value.encode() if isinstance(value, str) else value for value in array.ravel().tolist()]
                getattr(output.contents, field).extend(values)
        # Messages join as their bytes do: the first two fields are the same in every answer.
        data: bytes = self._named + response.SerializeToString()
        return data


def _inputs(request: pb.ModelInferRequest, shapes: list[list[int]]) -> list[tensors.Tensor]:
    raws = request.raw_input_contents
    if not request.inputs:
        raise InvalidRequest("the request has no inputs")
    if raws and len(raws) != len(request.inputs):
        raise InvalidRequest(f"{len(raws)} raw contents for {len(request.inputs)} inputs")
    read = []
    for position, given in enumerate(request.inputs):
        name, datatype, shape = tensors.header(given.name, given.datatype, shapes[position])
        missing = _missing(name, datatype, given.parameters)
        filled = [field.name for field, _ in given.contents.ListFields()] if given.HasField("contents") else []
        if raws:
            if filled:
                raise InvalidRequest(f"input {name[:80]!r}: both raw and typed contents")
            read.append(tensors.from_raw(name, datatype, shape, raws[position], missing))
            continue
        field = _FIELDS.get(datatype)
        if field is None:
            raise InvalidRequest(f"input {name[:80]!r}: {datatype} has no typed field; send raw contents")
        if any(other != field for other in filled):
            raise InvalidRequest(f"input {name[:80]!r}: {datatype} belongs in {field}, not in {', '.join(filled)}")
        values: Any = packed.read(given.contents, field)
        if values is None:
            values = list(getattr(given.contents, field))
        read.append(tensors.from_typed(name, datatype, shape, values, missing))
    return read


def _missing(name: str, datatype: str, parameters: Any) -> str | None:
    if "missing" not in parameters:
        return None
    if parameters["missing"].WhichOneof("parameter_choice") != "string_param" or datatype != "BYTES":
        raise InvalidRequest(f"input {name[:80]!r}: the parameter 'missing' is a text, for a BYTES tensor")
    marker: str = parameters["missing"].string_param
    return marker


def _text(value: str | bytes | None) -> str | None:
    return value if isinstance(value, str) else None


async def _abort(context: Any, error: Exception) -> None:
    code = errors.grpc_status(error)
    if code is grpc.StatusCode.INTERNAL:
        _log.exception("an infer call failed")
    # Its frames hold the message, and gRPC holds it: in a cycle that waits for a collection, which is not for its size.
    error.__traceback__ = None
    await context.abort(code, errors.message(error))
