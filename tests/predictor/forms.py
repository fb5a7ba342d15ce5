"""The same rows in every form that a protocol has for them. Each form asks a server and gives its answers as arrays.

A form takes columns (feature → values, None where missing) and gives output → list of labels, or float64 array.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.signature import TIMES, Feature
from tests.deadlines import ANSWER_SECONDS
from tests.predictor.answer import Answer
from tests.predictor.conftest import Server

Columns = dict[str, list[Any]]
Answers = dict[str, Any]
Form = Callable[[Server, Columns], Answers]

ID = "ü-東京-😀"
MARK = "\x00missing"  # stands for a missing text where a form has no null
DATATYPES = {"float64": "FP64", "int64": "INT64", "bool": "BOOL", **dict.fromkeys(("string", *TIMES), "BYTES")}
NUMPY = {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8", "BOOL": "?"}
FIELDS = {"FP64": "fp64_contents", "FP32": "fp32_contents", "INT64": "int64_contents", "BOOL": "bool_contents"}


def v1_lists(server: Server, columns: Columns) -> Answers:
    """`instances` as lists in the signature's order."""
    return _v1(server, [list(row) for row in zip(*columns.values(), strict=True)])


def v1_objects(server: Server, columns: Columns) -> Answers:
    """`instances` as objects, whose keys are in the reverse of the signature's order."""
    names = list(columns)[::-1]
    return _v1(
        server, [dict(zip(names, row, strict=True)) for row in zip(*(columns[name] for name in names), strict=True)]
    )


def event(server: Server, columns: Columns) -> Answers:
    """A structured CloudEvent around v1."""
    attributes = {"specversion": "1.0", "id": "1", "source": "test", "type": "rows"}
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    envelope = {**attributes, "data": _asking(server, rows)}
    answer = server.post(server.v1, envelope, {"content-type": "application/cloudevents+json"})
    return _v1_answers(server, answer, answer.json["data"])


def wide_flat(server: Server, columns: Columns, datatype: str = "") -> Answers:
    """One v2 tensor of shape [rows, features], its values in one list."""
    return _wide(server, np.array(list(columns.values()), dtype=object).T.ravel().tolist(), columns, datatype)


def wide_nested(server: Server, columns: Columns, datatype: str = "") -> Answers:
    """One v2 tensor of shape [rows, features], a list a row."""
    return _wide(server, [list(row) for row in zip(*columns.values(), strict=True)], columns, datatype)


def by_feature(server: Server, columns: Columns, datatype: str = "") -> Answers:
    """One v2 tensor a feature, in the reverse of the signature's order."""
    tensors = [
        {"name": feature.name, "shape": [len(columns[feature.name])], "data": columns[feature.name]}
        | {"datatype": _datatype(feature, datatype)}
        for feature in reversed(server.model.signature.inputs)
    ]
    return _v2(server, server.post(server.v2, {"id": ID, "inputs": tensors}))


def binary(server: Server, columns: Columns, datatype: str = "") -> Answers:
    """v2's binary extension, in and out."""
    tensors, tail = [], b""
    for feature in reversed(server.model.signature.inputs):
        sent, raw, mark = _raw(feature, columns[feature.name], datatype)
        parameters = {"binary_data_size": len(raw), **({"missing": MARK} if mark else {})}
        shape = [len(columns[feature.name]), 1]
        tensors.append({"name": feature.name, "shape": shape, "datatype": sent, "parameters": parameters})
        tail += raw
    head = json.dumps({"id": ID, "inputs": tensors, "parameters": {"binary_data_output": True}}).encode()
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    return _v2(server, server.request("POST", server.v2, head + tail, headers))


def grpc_raw(server: Server, columns: Columns, datatype: str = "") -> Answers:
    """gRPC, raw contents in and out."""
    request = pb.ModelInferRequest(model_name=server.model.name, id=ID)
    for feature in server.model.signature.inputs:
        sent, raw, mark = _raw(feature, columns[feature.name], datatype)
        _grpc_input(request, feature, len(columns[feature.name]), sent, mark)
        request.raw_input_contents.append(raw)
    return _grpc(server, request)


def grpc_typed(server: Server, columns: Columns, datatype: str = "") -> Answers:
    """gRPC, typed contents in and out."""
    request = pb.ModelInferRequest(model_name=server.model.name, id=ID)
    for feature in reversed(server.model.signature.inputs):
        values = columns[feature.name]
        sent = _datatype(feature, datatype, values)
        mark = sent == "BYTES" and None in values
        result = _grpc_input(request, feature, len(values), sent, mark)
        if sent == "BYTES":
            result.contents.bytes_contents.extend((MARK if value is None else value).encode() for value in values)
        else:
            numbers = [float("nan") if value is None else value for value in values]
            getattr(result.contents, FIELDS[sent]).extend(numbers)
    return _grpc(server, request)


ANY: list[Form] = [v1_lists, v1_objects, event, by_feature, binary, grpc_raw, grpc_typed]
WIDE: list[Form] = [wide_flat, wide_nested]
TYPED: list[Any] = [by_feature, binary, grpc_raw, grpc_typed]  # those that can send FP32


def frame(server: Server, columns: Columns) -> pd.DataFrame:
    """What a person has offline: the columns as pandas holds them, booleans with gaps as floats."""
    dtypes = {"float64": np.float64, "int64": np.int64, "bool": np.float64, "string": object}
    products = {}
    for feature in server.model.signature.inputs:
        values = [np.nan if value is None else value for value in columns[feature.name]]
        products[feature.name] = np.array(values, dtype=dtypes[feature.dtype])
    return pd.DataFrame(products)


def offline(server: Server, model: Any, columns: Columns) -> Answers:
    """The answers of the Pipeline itself."""
    requests = frame(server, columns)
    if server.model.signature.task == "regression":
        return {"prediction": model.predict(requests)}
    answers = {"label": model.predict(requests).tolist()}
    return {**answers, "probabilities": model.predict_proba(requests)} if hasattr(model, "predict_proba") else answers


def _asking(server: Server, rows: list[Any]) -> dict[str, Any]:
    outputs = [output.name for output in server.model.signature.outputs]
    return {"instances": rows, **({"probabilities": True} if "probabilities" in outputs else {})}


def _v1(server: Server, rows: list[Any]) -> Answers:
    answer = server.post(server.v1, _asking(server, rows))
    return _v1_answers(server, answer, answer.json)


def _v1_answers(server: Server, answer: Answer, value: dict[str, Any]) -> Answers:
    assert answer.status == 200, answer.body
    assert answer.headers["x-model-digest"] == server.model.digest
    assert answer.headers["x-model-release"] == server.model.release
    first = server.model.signature.outputs[0].name
    answers: Answers = {first: value["predictions"]}
    answers |= {name: np.array(array) for name, array in value.items() if name not in ("predictions", "outputs")}
    return answers if first == "label" else {**answers, first: np.array(value["predictions"])}


def _wide(server: Server, data: list[Any], columns: Columns, datatype: str) -> Answers:
    first = server.model.signature.inputs[0]
    shape = [len(columns[first.name]), len(columns)]
    tensor = {"name": "input-0", "shape": shape, "datatype": _datatype(first, datatype), "data": data}
    return _v2(server, server.post(server.v2, {"id": ID, "inputs": [tensor]}))


def _v2(server: Server, answer: Answer) -> Answers:
    assert answer.status == 200, answer.body
    assert answer.headers["x-model-digest"] == server.model.digest
    assert answer.headers["x-model-release"] == server.model.release
    head = int(answer.headers.get("inference-header-content-length", len(answer.body)))
    value, tail = json.loads(answer.body[:head]), answer.body[head:]
    assert (value["id"], value["model_version"]) == (ID, server.model.digest)
    answers: Answers = {}
    for output in value["outputs"]:
        if "data" in output:
            flat = output["data"]
        else:
            size = output["parameters"]["binary_data_size"]
            flat, tail = _from_raw(output["datatype"], tail[:size]), tail[size:]
        answers[output["name"]] = _shaped(output["datatype"], flat, output["shape"])
    assert tail == b""
    return answers


def _grpc(server: Server, request: Any) -> Answers:
    answer, call = server.stub.ModelInfer.with_call(request, timeout=ANSWER_SECONDS)
    trailing = dict(call.trailing_metadata())
    assert (trailing["x-model-digest"], trailing["x-model-release"]) == (server.model.digest, server.model.release)
    assert (answer.id, answer.model_name, answer.model_version) == (ID, server.model.name, server.model.digest)
    assert len(answer.raw_output_contents) in (0, len(answer.outputs))
    assert bool(answer.raw_output_contents) == bool(request.raw_input_contents)
    answers: Answers = {}
    for position, output in enumerate(answer.outputs):
        if answer.raw_output_contents:
            flat = _from_raw(output.datatype, answer.raw_output_contents[position])
        else:
            ((_, filled),) = output.contents.ListFields()
            flat = [value.decode() if isinstance(value, bytes) else value for value in filled]
        answers[output.name] = _shaped(output.datatype, flat, list(output.shape))
    return answers


def _grpc_input(request: Any, feature: Feature, rows: int, datatype: str, mark: bool) -> Any:
    result = request.inputs.add(name=feature.name, shape=[rows], datatype=datatype)
    if mark:
        result.parameters["missing"].string_param = MARK
    return result


def _datatype(feature: Feature, datatype: str, values: list[Any] | None = None) -> str:
    """The datatype to send: `datatype` for float64 features; FP64 where there is no null for a boolean or a count."""
    if feature.dtype == "float64":
        return datatype or "FP64"
    gap = feature.dtype in ("bool", "int64") and values and None in values
    return "FP64" if gap else DATATYPES[feature.dtype]


def _raw(feature: Feature, values: list[Any], datatype: str) -> tuple[str, bytes, bool]:
    """(datatype, bytes, whether MARK stands for missing) of a column."""
    sent = _datatype(feature, datatype, values)
    if sent == "BYTES":
        texts = [(MARK if value is None else value).encode() for value in values]
        return sent, b"".join(struct.pack("<I", len(text)) + text for text in texts), None in values
    numbers = [np.nan if value is None else value for value in values]
    return sent, np.array(numbers, dtype=NUMPY[sent]).tobytes(), False


def _from_raw(datatype: str, raw: bytes) -> list[Any]:
    if datatype != "BYTES":
        return np.frombuffer(raw, dtype=NUMPY[datatype]).tolist()
    texts = []
    while raw:
        (size,) = struct.unpack("<I", raw[:4])
        texts.append(raw[4 : 4 + size].decode())
        raw = raw[4 + size :]
    return texts


def _shaped(datatype: str, flat: list[Any], shape: list[int]) -> Any:
    if datatype == "FP64" or len(shape) > 1:
        return np.array(flat, dtype={"FP64": np.float64, "BOOL": bool}.get(datatype, object)).reshape(shape)
    assert shape == [len(flat)]
    return flat
