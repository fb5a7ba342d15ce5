"""The v2 protocol (Open Inference Protocol) over REST: JSON, with the binary tensor extension both ways."""

from __future__ import annotations

from collections.abc import Iterable, KeysView
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from artifact import checkpoint
from artifact.errors import InvalidRequest
from artifact.prediction import Columns, Prediction
from artifact.signature import Signature, is_unicode
from artifact.validation.validator import Validator
from predictor.errors import Unplain
from predictor.protocols import explained, json_arrays, json_body, json_pieces, tensors, tensors_fast
from predictor.protocols.explained import ExplainedPrediction
from predictor.protocols.request import Answer, Served

DATATYPES = {
    "float64": "FP64",
    "int64": "INT64",
    "bool": "BOOL",
    **dict.fromkeys(("string", "datetime", "date"), "BYTES"),
}
# model_name is not of the protocol, but KServe's own client sends it; the route has named the model already.
_KEYS = dict.fromkeys(("id", "model_name", "parameters", "inputs", "outputs")).keys()
_INPUT_KEYS = dict.fromkeys(("name", "shape", "datatype", "parameters", "data")).keys()
_OUTPUT_KEYS = dict.fromkeys(("name", "parameters")).keys()


@dataclass(slots=True, eq=False)  # not frozen: a frozen one takes twice as long to make
class Request:
    """A validated v2 request: its id, the rows as columns, and the outputs asked for, by name, binary or not."""

    id: str | None
    columns: Columns
    outputs: dict[str, bool]

    @property
    def probabilities(self) -> bool:
        """Whether the answer has the probabilities."""
        return "probabilities" in self.outputs

    @property
    def explain(self) -> bool:
        """Whether the answer says why."""
        return explained.BASE in self.outputs

    def answer(self, served: Served, prediction: Prediction) -> Answer:
        """The body: JSON, with the tensors behind it that were asked for as bytes."""
        return answer(served, self, prediction)


@dataclass(slots=True, eq=False)
class Decoded:
    """The JSON of a v2 body, and the bytes that follow it. `text`: the bytes of the JSON, where its long lists of
    numbers are arrays.
    """

    payload: Any
    binary: memoryview
    text: bytes | None = None

    @property
    def rows(self) -> int:
        """The greatest first size of a shape; 0 where it is no request, for which `parse` has the better message."""
        inputs = self.payload.get("inputs") if isinstance(self.payload, dict) else None
        if not isinstance(inputs, list):
            return 0
        return most_rows([tensor.get("shape") for tensor in inputs if isinstance(tensor, dict)])

    def validated(self, validator: Validator, closely: bool) -> Request:
        """As `parse`."""
        if self.text is None:
            return parse(validator, self.payload, self.binary, closely=closely)
        try:
            return parse(validator, self.payload, self.binary, closely=False)
        except (Unplain, InvalidRequest):  # its lists say it better
            if not closely:
                raise Unplain from None
            return parse(validator, json_body.read(self.text), self.binary)

    def free(self) -> None:
        """Empty the tensors."""
        json_pieces.free(self.payload)


def most_rows(shapes: Iterable[Any]) -> int:
    """The greatest first size of `shapes`, as far as they are shapes."""
    most = 0
    for shape in shapes:
        if isinstance(shape, list) and shape and type(shape[0]) is int and shape[0] > most:
            most = shape[0]
    return most


def decode(body: bytes, json_bytes: int, *, closely: bool = True) -> Decoded:
    """Read a body, whose first `json_bytes` are JSON; InvalidRequest, or Unplain where the JSON has to be read again
    and `closely` does not allow that.
    """
    text = body if json_bytes == len(body) else body[:json_bytes]
    binary = memoryview(body)[json_bytes:]
    if json_bytes > json_arrays.SHORT and (payload := json_arrays.read(text)) is not None:
        return Decoded(payload, binary, text)
    return Decoded(json_body.read(text) if closely else json_body.read_plain(text), binary)


def parse(validator: Validator, payload: Any, binary: memoryview, *, closely: bool = True) -> Request:
    """Read a decoded v2 body; `binary` is what follows the JSON. InvalidRequest says what does not fit. Where values
    would have to be looked at one by one this raises Unplain unless `closely`.
    """
    if not isinstance(payload, dict):
        raise InvalidRequest('the body is not an object such as {"inputs": […]}')
    _check_keys(payload, _KEYS, "the request")
    request_id = payload.get("id")
    if request_id is not None and not (isinstance(request_id, str) and is_unicode(request_id)):
        raise InvalidRequest("'id' is not text, or no valid Unicode")
    inputs = payload.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise InvalidRequest("'inputs' is not a list of at least one tensor")
    columns = tensors_fast.columns(validator, inputs, binary)
    if columns is None and not closely:
        raise Unplain
    read = _read(validator, inputs, binary) if columns is None else []
    parameters = _parameters(payload, "the request")
    default = _flag(parameters, "binary_data_output")
    outputs = payload.get("outputs")
    if outputs is not None and not isinstance(outputs, list):
        raise InvalidRequest("'outputs' is not a list")
    binary_by_output = _binary_by_output(validator, [_output(entry, default) for entry in outputs or ()], default)
    if _flag(parameters, "explain"):
        binary_by_output |= dict.fromkeys(explained.DATATYPES, default)
    if columns is None:
        columns = validator.columns(tensors.columns(validator, read))
    return Request(request_id, columns, binary_by_output)


def build(
    validator: Validator,
    request_id: str | None,
    inputs: list[tensors.Tensor],
    pairs: Iterable[tuple[str, bool]],
    default: bool,
    explain: bool,
) -> Request:
    """A Request from tensors of any transport; no outputs named means all of them."""
    binary_by_output = _binary_by_output(validator, pairs, default)
    if explain:
        binary_by_output |= dict.fromkeys(explained.DATATYPES, default)
    return Request(request_id, validator.columns(tensors.columns(validator, inputs)), binary_by_output)


def _binary_by_output(validator: Validator, pairs: Iterable[tuple[str, bool]], default: bool) -> dict[str, bool]:
    outputs: dict[str, bool] = {}
    names = [output.name for output in validator.signature.outputs]
    for name, binary in pairs:
        if name not in names:
            raise InvalidRequest(f"unknown output {name[:80]!r}; this model has {', '.join(map(repr, names))}")
        if name in outputs:
            raise InvalidRequest(f"output {name!r} is asked for twice")
        outputs[name] = binary
    return outputs or dict.fromkeys(names, default)


def outputs(signature: Signature, request: Request, prediction: Prediction) -> list[tuple[str, str, np.ndarray]]:
    """(name, datatype, array) of each output asked for, in the order asked."""
    return [(name, _datatype(signature, name), prediction.array(name)) for name in request.outputs]


def _datatype(signature: Signature, name: str) -> str:
    for output in signature.outputs:
        if output.name == name:
            return DATATYPES[output.dtype]
    return explained.DATATYPES[name]


def answer(served: Served, request: Request, prediction: Prediction) -> Answer:
    """The body, and the length of its JSON part where binary tensors follow it."""
    described, tail = [], []
    for name, datatype, array in outputs(served.signature, request, prediction):
        entry: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(array.shape)}
        if request.outputs[name]:
            raw = to_raw(datatype, array)
            entry["parameters"] = {"binary_data_size": len(raw)}
            tail.append(raw)
        else:
            entry["data"] = json_body.array_json(array.ravel())
        described.append(entry)
    reply: dict[str, Any] = {"model_name": served.name, "model_version": served.digest, "outputs": described}
    if request.id is not None:
        reply["id"] = request.id
    if isinstance(prediction, ExplainedPrediction) and prediction.explained is not None:
        reply["parameters"] = prediction.explained.parameters
    head = orjson.dumps(reply, option=orjson.OPT_SERIALIZE_NUMPY)
    return Answer(b"".join([head, *tail]), len(head)) if tail else Answer(head)


def to_raw(datatype: str, array: np.ndarray) -> bytes:
    """The little-endian bytes of an output tensor; text as elements behind their lengths."""
    if datatype != "BYTES":
        return array.astype(np.dtype(tensors.DTYPES[datatype]).newbyteorder("<"), copy=False).tobytes()
    texts = [str(value).encode() for value in array.ravel().tolist()]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def _read(validator: Validator, inputs: list[Any], binary: memoryview) -> list[tensors.Tensor]:
    headers = [_header(entry) for entry in inputs]
    tensors.check(validator, headers)
    read, at = [], 0
    for header, entry in zip(headers, inputs, strict=True):
        checkpoint.check()
        tensor, size = _input(header, entry, binary[at:])
        read.append(tensor)
        at += size
    if at != len(binary):
        raise InvalidRequest(f"{len(binary) - at} bytes follow the last binary tensor")
    return read


def _header(entry: Any) -> tensors.Header:
    if not isinstance(entry, dict):
        raise InvalidRequest("an input is not an object with name, shape and datatype")
    return tensors.header(entry.get("name"), entry.get("datatype"), entry.get("shape"))


def _input(header: tensors.Header, entry: dict[str, Any], binary: memoryview) -> tuple[tensors.Tensor, int]:
    name, datatype, shape = header
    _check_keys(entry, _INPUT_KEYS, f"input {name[:80]!r}")
    parameters = _parameters(entry, f"input {name[:80]!r}")
    missing = parameters.get("missing")
    if missing is not None and (not isinstance(missing, str) or datatype != "BYTES"):
        raise InvalidRequest(f"input {name[:80]!r}: the parameter 'missing' is a text, for a BYTES tensor")
    size = parameters.get("binary_data_size")
    if size is None:
        if "data" not in entry:
            raise InvalidRequest(f"input {name[:80]!r}: neither 'data' nor the parameter 'binary_data_size'")
        return tensors.from_json(name, datatype, shape, entry["data"], missing), 0
    if "data" in entry:
        raise InvalidRequest(f"input {name[:80]!r}: both 'data' and the parameter 'binary_data_size'")
    if type(size) is not int or not 0 <= size <= len(binary):
        raise InvalidRequest(
            f"input {name[:80]!r}: binary_data_size {size!r}, but {len(binary)} bytes are left of the body"
        )
    return tensors.from_raw(name, datatype, shape, bytes(binary[:size]), missing), size


def _output(entry: Any, default: bool) -> tuple[str, bool]:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise InvalidRequest("an output is not an object with a name")
    _check_keys(entry, _OUTPUT_KEYS, "an output")
    parameters = _parameters(entry, f"output {entry['name'][:80]!r}")
    return entry["name"], _flag(parameters, "binary_data", default)


def _parameters(entry: dict[str, Any], title: str) -> dict[str, Any]:
    parameters = entry.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidRequest(f"{title}: 'parameters' is not an object")
    return parameters or {}


def _flag(parameters: dict[str, Any], name: str, default: bool = False) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise InvalidRequest(f"the parameter {name!r} is neither true nor false")
    return value


def _check_keys(entry: dict[str, Any], keys: KeysView[str], title: str) -> None:
    if not entry.keys() <= keys:
        unknown = [key for key in entry if key not in keys]
        raise InvalidRequest(f"{title}: unknown key {unknown[0][:80]!r}; it may have {', '.join(keys)}")
