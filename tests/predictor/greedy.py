"""Bodies and messages that make the most of each byte: what is built from them is many times as large as they are."""

from __future__ import annotations

import json
from collections.abc import Callable

from google.protobuf.internal.encoder import _VarintBytes
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from tests.predictor.models import Packaged

Make = Callable[[Packaged, int], bytes]


def _repeated(before: str, part: str, after: str) -> Make:
    """`before`, as many of `part` as there is room for with commas between them, and `after`."""

    def make(_: Packaged, size: int) -> bytes:
        count = (size - len(before.encode()) - len(after.encode()) + 1) // (len(part.encode()) + 1)
        return before.encode() + b",".join([part.encode()] * count) + after.encode()

    return make


def _numbered(before: str, part: str, after: str) -> Make:
    """The same, with a number in each `part` that no other has."""

    def make(_: Packaged, size: int) -> bytes:
        length = len((part % "0000000").encode()) + 1
        count = (size - len(before) - len(after.encode())) // length
        return (before + ",".join([part % f"{at:07}" for at in range(count)]) + after).encode()

    return make


def _full_rows(value: str) -> Make:
    """v1 rows of the model's width, each value `value`: right in form where `value` fits the features."""

    def make(model: Packaged, size: int) -> bytes:
        row = "[" + ",".join([value] * len(model.signature.names)) + "]"
        return _repeated('{"instances":[', row, "]}")(model, size)

    return make


def _objects(value: str) -> Make:
    """v1 rows as objects by feature name."""

    def make(model: Packaged, size: int) -> bytes:
        row = "{" + ",".join(f'"{name}":{value}' for name in model.signature.names) + "}"
        return _repeated('{"instances":[', row, "]}")(model, size)

    return make


def _columns(value: str) -> Make:
    """v2 with one tensor a feature, each value in a list of its own."""

    def make(model: Packaged, size: int) -> bytes:
        names = model.signature.names
        count = (size // len(names) - 120) // (len(value.encode()) + 3)
        data = ",".join([f"[{value}]"] * count)
        head = f'"datatype":"BYTES","shape":[{count},1]'
        return (
            '{"inputs":[' + ",".join(f'{{"name":"{name}",{head},"data":[{data}]}}' for name in names) + "]}"
        ).encode()

    return make


def _sizes(part: str) -> Make:
    """v2 with one tensor, whose shape has as many of `part` as there is room for."""
    return _repeated('{"inputs":[{"name":"a","datatype":"BYTES","data":[],"shape":[', part, "]}]}")


def _deep(_: Packaged, size: int) -> bytes:
    nest = "[" * 900 + "]" * 900
    return ('{"instances":[' + ",".join([nest] * (size // 1801 - 1)) + "]}").encode()


REST: dict[str, tuple[str, Make]] = {
    "objects of a list": ("v1", _repeated('{"instances":[', '{"":[]}', "]}")),
    "objects of a list in a row": ("v1", _repeated('{"instances":[[', '{"":[]}', "]]}")),
    "objects of a list, read again": ("v1", _repeated('{"instances":[NaN,', '{"":[]}', "]}")),
    "objects of a list, elsewhere": ("v2", _repeated('{"parameters":[', '{"":[]}', "]}")),
    "empty objects": ("v1", _repeated('{"instances":[', "{}", "]}")),
    "empty lists": ("v1", _repeated('{"instances":[', "[]", "]}")),
    "lists of lists": ("v1", _repeated('{"instances":[', "[[]]", "]}")),
    "lists of one": ("v1", _repeated('{"instances":[[', "[0]", "]]}")),
    "nested": ("v1", _deep),
    "zeros": ("v1", _repeated('{"instances":[[', "0", "]]}")),
    "floats": ("v1", _repeated('{"instances":[[', "1e1", "]]}")),
    "whole numbers": ("v1", _repeated('{"instances":[[', "999", "]]}")),
    "long numbers": ("v1", _repeated('{"instances":[[', "9" * 20, "]]}")),
    "booleans and nulls": ("v1", _repeated('{"instances":[[', "true,null", "]]}")),
    "texts of one letter": ("v1", _repeated('{"instances":[[', '"a"', "]]}")),
    "texts of one wide letter": ("v1", _repeated('{"instances":[[', '"€"', "]]}")),
    "escapes": ("v1", _repeated('{"instances":[[', '"\\u20ac\\n"', "]]}")),
    "keys": ("v1", _numbered('{"instances":[{', '"%s":0', "}]}")),
    "keys, the last doubled": ("v1", _numbered('{"instances":[{', '"%s":0', ',"0000000":0}]}')),
    "keys of texts, read again": ("v1", _numbered('{"instances":[NaN,{', '"%s":"é"', ',"x":"😀"}]}')),
    "lists, read again": ("v1", _repeated('{"instances":[NaN,', "[0]", "]}")),
    "texts, read again": ("v1", _repeated('{"instances":[[NaN,', '"é"', "]]}")),
    "rows of texts": ("v1", _full_rows('"é"')),
    "rows of floats": ("v1", _full_rows("1e1")),
    "rows of objects of texts": ("v1", _objects('"é"')),
    "objects of objects": ("v1", _objects('{"":[]}')),
    "inputs": ("v2", _repeated('{"inputs":[', "{}", "]}")),
    "parameters": ("v2", _numbered('{"parameters":{', '"%s":{}', '},"inputs":[{}]}')),
    "outputs": ("v2", _repeated('{"inputs":[{}],"outputs":[', '{"name":""}', "]}")),
    "sizes of a shape": ("v2", _sizes("999")),
    "lists of one for sizes": ("v2", _sizes("[0]")),
    "lists of two lists for sizes": ("v2", _sizes("[[0,0]]")),
    "empty lists for sizes": ("v2", _sizes("[]")),
    "lists for the commas of texts": ("v2", _sizes('"' + "," * 40 + '",' + "[" * 20 + "]" * 20)),
    "objects in texts": ("v1", _repeated('{"instances":[[', '"{{[["', "]]}")),
    "data in lists": ("v2", _columns('"é"')),
}


def binary_texts(model: Packaged, size: int) -> tuple[bytes, int]:
    """A v2 body with one binary tensor of empty texts, and the bytes of its JSON."""
    count = (size - 1000) // 4
    tensor = {"name": "input-0", "datatype": "BYTES", "parameters": {"binary_data_size": 4 * count}}
    head = json.dumps({"inputs": [{**tensor, "shape": [1, count]}]}).encode()
    return head + bytes(4 * count), len(head)


def _field(number: int, data: bytes) -> bytes:
    return _VarintBytes(number << 3 | 2) + _VarintBytes(len(data)) + data


def _message(part: bytes) -> Make:
    """A message of as many of the field `part` as there is room for."""

    def make(model: Packaged, size: int) -> bytes:
        head = pb.ModelInferRequest(model_name=model.name).SerializeToString()
        return head + part * ((size - len(head)) // len(part))

    return make


def _input(field: int, part: bytes, datatype: str = "BYTES", shaped: bool = True) -> Make:
    """A message of one input, in whose field `field` (of contents: 5) are as many of `part` as there is room for."""

    def make(model: Packaged, size: int) -> bytes:
        count = (size - 200) // len(part)
        shape = [1, count] if shaped else []
        head = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype=datatype, shape=shape).SerializeToString()
        data = part * count
        tensor = head + (data if field == 0 else _field(field, data))
        return pb.ModelInferRequest(model_name=model.name).SerializeToString() + _field(5, tensor)

    return make


def _packed(number: int, part: bytes, datatype: str) -> Make:
    """A message of one input whose typed contents are as many varints `part` as there is room for."""

    def make(model: Packaged, size: int) -> bytes:
        count = (size - 200) // len(part)
        head = pb.ModelInferRequest.InferInputTensor(name="input-0", datatype=datatype, shape=[1, count])
        contents = _field(5, _field(number, part * count))
        tensor = _field(5, head.SerializeToString() + contents)
        return pb.ModelInferRequest(model_name=model.name).SerializeToString() + tensor

    return make


def _texts(model: Packaged, size: int) -> bytes:
    """A message that is right for a model of texts: as many rows of it as there is room for."""
    names = model.signature.names
    count = min(size // len(names) // 4 - 20, 90_000)
    contents = _field(5, _field(8, "é".encode()) * count)
    head = pb.ModelInferRequest.InferInputTensor(datatype="BYTES", shape=[count]).SerializeToString()
    inputs = b"".join(_field(5, _field(1, name.encode()) + head + contents) for name in names)
    return pb.ModelInferRequest(model_name=model.name).SerializeToString() + inputs


GRPC: dict[str, Make] = {
    "empty inputs": _message(b"\x2a\x00"),
    "inputs of empty contents": _message(b"\x2a\x02\x2a\x00"),
    "empty outputs": _message(b"\x32\x00"),
    "empty raw contents": _message(b"\x3a\x00"),
    "empty parameters": _message(b"\x22\x00"),
    "parameters": lambda model, size: b"".join(
        [
            pb.ModelInferRequest(model_name=model.name).SerializeToString(),
            *(_field(4, _field(1, b"%07d" % at) + b"\x12\x00") for at in range((size - 100) // 13)),
        ]
    ),
    "unknown fields": _message(b"\xf8\x01\x00"),
    "parameters of an input": _input(0, b"\x22\x00"),
    "unknown fields of an input": _input(0, b"\xf8\x01\x00"),
    "unknown fields of contents": _input(5, b"\xf8\x01\x00"),
    "sizes of a shape": _input(3, b"\xe7\x07", shaped=False),
    "empty texts": _input(5, b"\x42\x00"),
    "short texts": _input(5, b"\x42\x02\xc3\xa9"),
    "whole numbers": _packed(3, b"\xe7\x07", "INT64"),
    "small whole numbers": _packed(2, b"\x01", "INT32"),
    "rows of texts": _texts,
}
