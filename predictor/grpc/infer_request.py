"""A ModelInfer message as a v2 request, and its answer: raw and typed contents, by the same rules as REST."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.message import DecodeError
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.errors import InvalidRequest
from artifact.prediction import Prediction
from artifact.validation.validator import Validator
from predictor.grpc import packed
from predictor.grpc.methods import UNREADABLE
from predictor.protocols import tensors, v2
from predictor.protocols.explained import ExplainedPrediction
from predictor.protocols.request import Answer, Served

FIELDS = {
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


@dataclass(eq=False)
class Request(v2.Request):
    """A v2 request whose answer has the form of its inputs: raw for raw contents, typed for typed ones."""

    def answer(self, served: Served, prediction: Prediction) -> Answer:
        """The bytes of a ModelInferResponse."""
        response = pb.ModelInferResponse(id=self.id or "")
        for name, datatype, array in v2.outputs(served.signature, self, prediction):
            output = response.outputs.add(name=name, datatype=datatype, shape=array.shape)
            field = FIELDS[datatype]
            if self.outputs[name]:
                response.raw_output_contents.append(v2.to_raw(datatype, array))
            elif not packed.write(output.contents, field, array):
                values = [value.encode() if isinstance(value, str) else value for value in array.ravel().tolist()]
                getattr(output.contents, field).extend(values)
        if isinstance(prediction, ExplainedPrediction) and prediction.explained is not None:
            for name, text in prediction.explained.parameters.items():
                response.parameters[name].string_param = text
        # Messages join as their bytes do: the first two fields are the same in every answer.
        return Answer(_named(served.name, served.digest) + response.SerializeToString())


@dataclass(frozen=True)
class Decoded:
    """A parsed message whose tensors are not validated yet."""

    message: pb.ModelInferRequest

    @property
    def rows(self) -> int:
        """The greatest first size of a shape."""
        return v2.most_rows(_shapes(self.message))

    def validated(self, validator: Validator, closely: bool) -> Request:
        """As `read`, which looks closely where it has to."""
        return read(validator, self.message)

    def free(self) -> None:
        """Nothing: a message is freed as a whole."""


@cache
def _named(name: str, digest: str) -> bytes:
    named: bytes = pb.ModelInferResponse(model_name=name, model_version=digest).SerializeToString()
    return named


def decode(data: bytes) -> Decoded:
    """The message in `data`; InvalidRequest where there is none."""
    try:
        return Decoded(pb.ModelInferRequest.FromString(data))
    except DecodeError:
        raise InvalidRequest(UNREADABLE) from None


def _shapes(message: pb.ModelInferRequest) -> list[list[int]]:
    return [tensor.shape[:3] for tensor in message.inputs]  # a third size is one too many


def read(validator: Validator, message: pb.ModelInferRequest) -> Request:
    """The request in a decoded message; InvalidRequest says what does not fit."""
    inputs = list(message.inputs)
    shapes = _shapes(message)
    raw = len(message.raw_input_contents) > 0
    outputs = [(output.name, raw) for output in message.outputs]
    rows = _read(validator, inputs, shapes, message.raw_input_contents)
    built = v2.build(validator, message.id or None, rows, outputs, raw, _explain(message.parameters))
    return Request(built.id, built.columns, built.outputs)


def _read(validator: Validator, inputs: list[Any], shapes: list[list[int]], raws: Any) -> list[tensors.Tensor]:
    if not inputs:
        raise InvalidRequest("the request has no inputs")
    if raws and len(raws) != len(inputs):
        raise InvalidRequest(f"{len(raws)} raw contents for {len(inputs)} inputs")
    headers = [
        tensors.header(tensor.name, tensor.datatype, shape) for tensor, shape in zip(inputs, shapes, strict=True)
    ]
    tensors.check(validator, headers)
    read = []
    for position, (tensor, (name, datatype, shape)) in enumerate(zip(inputs, headers, strict=True)):
        missing = _missing(name, datatype, tensor.parameters)
        contents = tensor.contents
        filled = [field.name for field, _ in contents.ListFields()]
        if raws:
            if filled:
                raise InvalidRequest(f"input {name[:80]!r}: both raw and typed contents")
            read.append(tensors.from_raw(name, datatype, shape, raws[position], missing))
            continue
        field = FIELDS.get(datatype)
        if field is None:
            raise InvalidRequest(f"input {name[:80]!r}: {datatype} has no typed field; send raw contents")
        if any(other != field for other in filled):
            raise InvalidRequest(f"input {name[:80]!r}: {datatype} belongs in {field}, not in {', '.join(filled)}")
        values: Any = packed.read(contents, field)
        if values is None:
            values = getattr(contents, field)
        read.append(tensors.from_typed(name, datatype, shape, values, missing))
    return read


def _explain(parameters: Any) -> bool:
    if "explain" not in parameters:
        return False
    if parameters["explain"].WhichOneof("parameter_choice") != "bool_param":
        raise InvalidRequest("the parameter 'explain' is neither true nor false")
    return bool(parameters["explain"].bool_param)


def _missing(name: str, datatype: str, parameters: Any) -> str | None:
    if "missing" not in parameters:
        return None
    if parameters["missing"].WhichOneof("parameter_choice") != "string_param" or datatype != "BYTES":
        raise InvalidRequest(f"input {name[:80]!r}: the parameter 'missing' is a text, for a BYTES tensor")
    marker: str = parameters["missing"].string_param
    return marker
