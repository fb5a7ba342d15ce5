"""The requests: the very same bytes to every server, but for v1 by name, where KServe's server takes another shape.

A v2 request to ours names the labels, which is all that its peers answer; without `labels_only` it names nothing, and
ours answers probabilities as well.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from bench.kinds import Kind
from bench.package import Packaged

DATATYPES = {"float64": "FP64", "int64": "INT64", "bool": "BOOL", "string": "BYTES"}
GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer"
HEAD_LENGTH = "inference-header-content-length"
_WIDE = "input-0"
_FRAME = 5  # bytes before a gRPC message: compressed or not, and its length


@dataclass(frozen=True)
class Request:
    """One POST. For gRPC the body is the message behind its length prefix, as it goes into HTTP/2's data frames."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> bytes:
        """The gRPC message without its prefix."""
        return self.body[_FRAME:]


@dataclass(frozen=True)
class Form:
    """What differs between servers: the shape of v1 by name, and whether the labels are asked for by their name."""

    v1_frames: bool = False  # [{feature: [values]}], a frame an instance, instead of [{feature: value}]
    output: str | None = None


def make(kind: Kind, model: Packaged, form: Form, first: int = 0) -> Request:
    """The request of `kind` with the rows of the model's holdout from `first` on."""
    columns = model.rows(first, kind.rows)
    if kind.protocol == "v1":
        return _json(f"/v1/models/{model.name}:predict", {"instances": _instances(model, columns, form)})
    if kind.protocol == "grpc":
        message = _message(model, columns, kind.rows, form)
        headers = {"content-type": "application/grpc", "te": "trailers"}
        return Request(GRPC_PATH, headers, struct.pack(">?I", False, len(message)) + message)
    path = f"/v2/models/{model.name}/infer"
    value: dict[str, Any] = {} if model.wide else {"parameters": {"content_type": "pd"}}
    if form.output is not None:
        value["outputs"] = [{"name": form.output}]
    if kind.protocol == "v2":
        return _json(path, value | {"inputs": _tensors(model, columns, kind.rows)})
    tensors, tail = [], []
    for tensor in _tensors(model, columns, kind.rows):
        raw = _raw(tensor["datatype"], tensor.pop("data"))
        tensors.append(tensor | {"parameters": {"binary_data_size": len(raw)}})
        tail.append(raw)
    parameters = value.get("parameters", {}) | {"binary_data_output": True}
    head = json.dumps(value | {"parameters": parameters, "inputs": tensors}).encode()
    headers = {"content-type": "application/octet-stream", HEAD_LENGTH: str(len(head))}
    return Request(path, headers, head + b"".join(tail))


def _instances(model: Packaged, columns: dict[str, list[Any]], form: Form) -> list[Any]:
    if not model.wide and form.v1_frames:
        return [columns]
    rows = zip(*columns.values(), strict=True)
    return [list(row) if model.wide else dict(zip(columns, row, strict=True)) for row in rows]


def _tensors(model: Packaged, columns: dict[str, list[Any]], rows: int) -> list[dict[str, Any]]:
    """One tensor of all features where they share a type, else one a feature."""
    if model.wide:
        datatype = DATATYPES[next(iter(model.schema.values()))["dtype"]]
        flat = [value for row in zip(*columns.values(), strict=True) for value in row]
        return [{"name": _WIDE, "shape": [rows, len(columns)], "datatype": datatype, "data": flat}]
    tensors = []
    for name, values in columns.items():
        datatype = DATATYPES[model.schema[name]["dtype"]]
        tensor = {"name": name, "shape": [rows], "datatype": datatype, "data": values}
        # MLServer leaves BYTES as bytes otherwise; KServe and ours have no use for it.
        tensors.append(tensor | {"parameters": {"content_type": "str"}} if datatype == "BYTES" else tensor)
    return tensors


def _raw(datatype: str, data: list[Any]) -> bytes:
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(text)) + text for text in (value.encode() for value in data))
    return np.array(data, dtype={"FP64": "<f8", "INT64": "<i8", "BOOL": "?"}[datatype]).tobytes()


def _message(model: Packaged, columns: dict[str, list[Any]], rows: int, form: Form) -> bytes:
    request = protobuf().ModelInferRequest(model_name=model.name)
    for tensor in _tensors(model, columns, rows):
        request.inputs.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        assert math.prod(tensor["shape"]) == len(tensor["data"])
        request.raw_input_contents.append(_raw(tensor["datatype"], tensor["data"]))
    if form.output is not None:
        request.outputs.add(name=form.output)
    return bytes(request.SerializeToString())


@cache
def protobuf() -> Any:
    """KServe's messages of the open inference protocol; slow to import, so only when gRPC is measured."""
    arguments, sys.argv = sys.argv, sys.argv[:1]  # importing kserve reads the command line
    try:
        from kserve.protocol.grpc import grpc_predict_v2_pb2
    finally:
        sys.argv = arguments
    return grpc_predict_v2_pb2


def _json(path: str, value: dict[str, Any]) -> Request:
    return Request(path, {"content-type": "application/json"}, json.dumps(value).encode())
