"""How the work of reading a request grows with the request: each case is what is wrong with it, or nothing."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.errors import ConfigurationError, InvalidRequest
from artifact.signature import Feature, Output, Signature
from artifact.validation.validator import Validator
from predictor.errors import TooManyRows, UnsupportedMedia
from predictor.grpc import infer_request
from predictor.grpc.message_limits import MessageLimits
from predictor.http import body as bodies
from predictor.protocols import cloudevent, json_body, v1, v2
from predictor.protocols.json_limits import JsonLimits

Work = Callable[[], Any]
REFUSALS = (InvalidRequest, TooManyRows, UnsupportedMedia, ConfigurationError, ValueError)


@cache
def validator(width: int, dtype: str = "float64", nullable: bool = False, **constraints: Any) -> Validator:
    """That of a model of `width` features, which differ only in the digits of their names."""
    inputs = tuple(Feature(f"feature_{at:06}", dtype, nullable, **constraints) for at in range(width))
    outputs = (Output("label", "string"), Output("probabilities", "float64", columns=("no", "yes")))
    return Validator(Signature("classification", inputs, outputs))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _v1(width: int, body: bytes, dtype: str = "float64", **constraints: Any) -> Work:
    """Reading the v1 request `body` for a model of `width` features."""
    rules = validator(width, dtype, **constraints)

    def work() -> None:
        decoded = v1.decode(body)
        assert decoded.rows >= 0
        decoded.validated(rules, closely=True)

    return work


def _rows(values: list[Any], dtype: str = "float64", **constraints: Any) -> Work:
    """Reading a v1 request of one feature with one row a value."""
    body = _json({"instances": [[value] for value in values]})
    return _v1(1, body, dtype, **constraints)


def _object(names: list[str], width: int) -> Work:
    return _v1(width, _json({"instances": [dict.fromkeys(names, 0.5)]}))


def _v2(width: int, body: dict[str, Any], binary: bytes = b"", dtype: str = "float64", **constraints: Any) -> Work:
    """Reading the v2 request `body` for a model of `width` features."""
    rules, head = validator(width, dtype, **constraints), _json(body)

    def work() -> None:
        decoded = v2.decode(head + binary, len(head))
        assert decoded.rows >= 0
        decoded.validated(rules, closely=True)

    return work


def _data(values: list[Any], datatype: str, dtype: str = "float64", **constraints: Any) -> Work:
    """Reading one v2 tensor of one feature with one row a value."""
    tensor = {"name": "feature_000000", "datatype": datatype, "shape": [len(values)], "data": values}
    return _v2(1, {"inputs": [tensor]}, dtype=dtype, **constraints)


def _binary(raw: bytes, datatype: str, shape: list[int], dtype: str = "float64", **parameters: Any) -> Work:
    """Reading one binary v2 tensor of one feature."""
    parameters = {"binary_data_size": len(raw), **parameters}
    tensor = {"name": "feature_000000", "datatype": datatype, "shape": shape, "parameters": parameters}
    return _v2(1, {"inputs": [tensor]}, raw, dtype)


def _inputs(names: list[str], width: int, **more: Any) -> Work:
    """Reading a v2 request with one tensor a name."""
    tensors = [{"name": name, "datatype": "FP64", "shape": [1], "data": [0.5]} for name in names]
    return _v2(width, {"inputs": tensors, **more})


def _names(count: int) -> list[str]:
    return [f"feature_{at:06}" for at in range(count)]


def _raw_texts(count: int, text: bytes = b"ab") -> bytes:
    return (struct.pack("<I", len(text)) + text) * count


def _grpc(width: int, message: pb.ModelInferRequest, extra: bytes = b"", dtype: str = "float64") -> Work:
    """Reading a message for a model of `width` features."""
    rules, data = validator(width, dtype), message.SerializeToString() + extra

    def work() -> None:
        decoded = infer_request.decode(data)
        assert decoded.rows >= 0
        decoded.validated(rules, closely=True)

    return work


def _typed(names: list[str], width: int, **more: Any) -> Work:
    message = pb.ModelInferRequest(**more)
    for name in names:
        message.inputs.add(name=name, datatype="FP64", shape=[1]).contents.fp64_contents.append(0.5)
    return _grpc(width, message)


def _contents(field: str, values: list[Any], datatype: str, dtype: str, shape: list[int] | None = None) -> Work:
    message = pb.ModelInferRequest()
    tensor = message.inputs.add(name="feature_000000", datatype=datatype, shape=shape or [len(values)])
    getattr(tensor.contents, field).extend(values)
    return _grpc(1, message, dtype=dtype)


def _limits(body: bytes) -> Work:
    """Counting what is in a body, of which so much is too much that it is looked at closely."""
    limits = JsonLimits(rows=1, objects=1, lists=1, commas=1, rows_are_objects=True)
    return lambda: limits.check(body)


def _message_limits(width: int, data: bytes) -> Work:
    """Counting what is in a message, for a model of as many features as it has inputs."""
    limits = MessageLimits(validator(width).signature)
    return lambda: limits.check(data)


def _event(attributes: dict[str, Any]) -> Work:
    body = _json({"id": "1", "source": "x", "specversion": "1.0", "type": "y", **attributes})
    return lambda: cloudevent.data(json_body.read(body))


def _head(pairs: list[tuple[bytes, bytes]]) -> Work:
    """Reading the headers `pairs`."""

    def work() -> None:
        read = bodies.read_headers(pairs)
        bodies.check_single(pairs, read)
        bodies.check_media(read, (bodies.JSON,))
        bodies.json_length(read, 100)

    return work


JSON: dict[str, Callable[[int], Work]] = {
    "a key twice": lambda n: _v1(1, _json(dict.fromkeys(_names(n), 0))[:-1] + b',"%s":1}' % _names(n)[-1].encode()),
    "a key twice in the last row": lambda n: _v1(1, b'{"instances":[' + b'{"a":1},' * n + b'{"a":1,"a":2}]}'),
    "blanks": lambda n: _v1(1, b" " * 20 * n),
    "blanks within": lambda n: _v1(1, b'{"instances":' + b"\n" * 20 * n + b"[[1.5]]" + b" " * n + b"}x"),
    "brackets": lambda n: _v1(1, b"[" * 20 * n),
    "deep and closed": lambda n: _v1(1, b'{"instances":[' + (b"[" * 400 + b"]" * 400 + b",") * (n // 40) + b"0]}"),
    "quotation marks": lambda n: _v1(1, b'{"' + b'"' * 20 * n),
    "escaped quotation marks": lambda n: _v1(1, b'{"' + b'\\"' * 20 * n),
    "backslashes": lambda n: _v1(1, b'{"' + b"\\" * 20 * n),
    "escapes": lambda n: _v1(1, b'{"instances":["' + b"\\u20ac\\n" * 4 * n + b'"]}'),
    "half surrogates": lambda n: _v1(1, b'{"instances":["' + b"\\ud83d" * 4 * n + b'"]}', "string"),
    "no UTF-8": lambda n: _v1(1, b'{"instances":["' + b"a" * 20 * n + b'\xff"]}'),
    "a byte order mark": lambda n: _v1(1, b"\xef\xbb\xbf" + _json({"instances": [[0.5]] * n})),
    "colons in texts": lambda n: _v1(1, _json({"instances": [["a : b"]] * n})),
    "a comma too many": lambda n: _v1(1, _json({"instances": [[0.5]] * n})[:-2] + b",]}"),
    "NaN in the last row": lambda n: _v1(1, _json({"instances": [[0.5]] * n})[:-2] + b",[NaN]]}"),
    "a long number": lambda n: _v1(1, b'{"instances":[[' + b"9" * 20 * n + b"]]}"),
    "many long numbers": lambda n: _v1(
        1, b'{"instances":[' + b",".join([b"[" + b"9" * 4300 + b"]"] * (n // 20)) + b"]}"
    ),
    "numbers of 19 digits": lambda n: _v1(1, b'{"instances":[' + b",".join([b"[1234567890123456789]"] * n) + b"]}"),
    "a long fraction": lambda n: _v1(1, b'{"instances":[[9007199254740993.' + b"0" * 20 * n + b"1]]}"),
}
V1: dict[str, Callable[[int], Work]] = {
    "rows of one": lambda n: _rows([0.5] * n),
    "rows of n": lambda n: _v1(n, _json({"instances": [[0.5] * n] * 3})),
    "objects": lambda n: _v1(3, _json({"instances": [dict.fromkeys(_names(3), 0.5)] * n})),
    "an object of n": lambda n: _object(_names(n), n),
    "a name mistyped": lambda n: _object([*_names(n)[:-1], f"faeture_{n - 1:06}"], n),
    "all names mistyped": lambda n: _object([name[::-1] for name in _names(n)], n),
    "names missing": lambda n: _object(_names(n)[::2], n),
    "names too many": lambda n: _object(_names(n), 1),
    "a name of n letters": lambda n: _object(["a" * 20 * n], 100),
    "the last row too long": lambda n: _v1(1, _json({"instances": [[0.5]] * n + [[1, 2]]})),
    "the last row no list": lambda n: _v1(1, _json({"instances": [[0.5]] * n + [1]})),
    "the last row no object": lambda n: _v1(1, _json({"instances": [{"feature_000000": 0.5}] * n + [1]})),
    "the last row another object": lambda n: _v1(1, _json({"instances": [{"feature_000000": 0.5}] * n + [{"x": 1}]})),
    "the last value a text": lambda n: _rows([0.5] * n + ["a"]),
    "the last value a list": lambda n: _rows([0.5] * n + [[0] * n]),
    "the last value an object": lambda n: _rows([0.5] * n + [dict.fromkeys(_names(n))]),
    "the last value missing": lambda n: _rows([0.5] * n + [None]),
    "the last value not exact": lambda n: _rows([0.5] * n + [2**53 + 1]),
    "the last value infinite": lambda n: _rows([0.5] * n + [1e39]),
    "the last value out of range": lambda n: _rows([0.5] * n + [2.0], range=(0, 1)),
    "the last value no whole number": lambda n: _rows([1] * n + [0.5], "int64"),
    "the last value beyond int64": lambda n: _rows([1] * n + [2**63], "int64"),
    "the last value no category": lambda n: _rows(["a"] * n + ["b"], "string", categories=("a",)),
    "the last value no Unicode": lambda n: _v1(1, _json({"instances": [["a"]] * n})[:-2] + b',["\\ud83d"]]}', "string"),
    "missing values": lambda n: _rows([None, 0.5] * n, nullable=True),
    "unknown keys": lambda n: _v1(1, _json(dict.fromkeys(_names(n)))),
}
V2: dict[str, Callable[[int], Work]] = {
    "an input a feature": lambda n: _inputs(_names(n), n),
    "an input twice": lambda n: _inputs([*_names(n), _names(n)[-1]], n),
    "an input mistyped": lambda n: _inputs([*_names(n)[:-1], f"faeture_{n - 1:06}"], n),
    "inputs missing": lambda n: _inputs(_names(n)[::2], n),
    "inputs too many": lambda n: _inputs(_names(n), 1),
    "the last input no object": lambda n: _v2(
        1, {"inputs": [{"name": "a", "datatype": "FP64", "shape": [1]}] * n + [1]}
    ),
    "unknown keys of an input": lambda n: _v2(1, {"inputs": [{"name": "a", **dict.fromkeys(_names(n))}]}),
    "parameters": lambda n: _inputs(["feature_000000"], 1, parameters=dict.fromkeys(_names(n))),
    "outputs": lambda n: _inputs(["feature_000000"], 1, outputs=[{"name": name} for name in _names(n)]),
    "an output twice": lambda n: _inputs(["feature_000000"], 1, outputs=[{"name": "label"}] * n),
    "unknown keys": lambda n: _v2(1, dict.fromkeys(_names(n))),
    "a long id": lambda n: _v2(1, {"id": "a" * 20 * n, "inputs": []}),
    "sizes of a shape": lambda n: _v2(1, {"inputs": [{"name": "a", "datatype": "FP64", "shape": [1] * n}]}),
    "a shape of lists": lambda n: _v2(1, {"inputs": [{"name": "a", "datatype": "FP64", "shape": [[1]] * n}]}),
    "nested data": lambda n: _data([[0.5]] * n, "FP64"),
    "nested data, the last too long": lambda n: _data([[0.5]] * n + [[1, 2]], "FP64"),
    "FP64, the last a text": lambda n: _data([0.5] * n + ["a"], "FP64"),
    "FP32, the last too great": lambda n: _data([0.5] * n + [10**300], "FP32"),
    "INT8, the last too great": lambda n: _data([1] * n + [300], "INT8", "int64"),
    "BOOL, the last a number": lambda n: _data([True] * n + [1], "BOOL", "bool"),
    "BYTES, the last a number": lambda n: _data(["a"] * n + [1], "BYTES", "string"),
    "binary": lambda n: _binary(bytes(8 * n), "FP64", [n]),
    "binary, a NaN at the end": lambda n: _binary(bytes(8 * n) + struct.pack("<d", float("nan")), "FP64", [n + 1]),
    "binary, too short": lambda n: _binary(bytes(8 * n), "FP64", [n + 1]),
    "binary BOOL, the last 2": lambda n: _binary(bytes(n) + b"\2", "BOOL", [n + 1], "bool"),
    "binary UINT64, not exact": lambda n: _binary(struct.pack("<Q", 2**53 + 2) * n + b"\xff" * 8, "UINT64", [n + 1]),
    "binary BYTES": lambda n: _binary(_raw_texts(n), "BYTES", [n], "string"),
    "binary BYTES, cut": lambda n: _binary(_raw_texts(n)[:-1], "BYTES", [n], "string"),
    "binary BYTES, no UTF-8": lambda n: _binary(_raw_texts(n) + b"\1\0\0\0\xff", "BYTES", [n + 1], "string"),
    "binary BYTES, missing": lambda n: _binary(_raw_texts(n, b"?"), "BYTES", [n], "string", missing="?"),
}
GRPC: dict[str, Callable[[int], Work]] = {
    "an input a feature": lambda n: _typed(_names(n), n),
    "an input twice": lambda n: _typed([*_names(n), _names(n)[-1]], n),
    "an input mistyped": lambda n: _typed([*_names(n)[:-1], f"faeture_{n - 1:06}"], n),
    "inputs missing": lambda n: _typed(_names(n)[::2], n),
    "inputs too many": lambda n: _typed(_names(n), 1),
    "raw contents too many": lambda n: _typed(["feature_000000"], 1, raw_input_contents=[b"a"] * n),
    "parameters": lambda n: _typed(["feature_000000"], 1, parameters=dict.fromkeys(_names(n), pb.InferParameter())),
    "outputs": lambda n: _typed(
        ["feature_000000"],
        1,
        outputs=[pb.ModelInferRequest.InferRequestedOutputTensor(name=name) for name in _names(n)],
    ),
    "sizes of a shape": lambda n: _contents("fp64_contents", [0.5], "FP64", "float64", [1] * n),
    "the last value missing": lambda n: _contents("fp64_contents", [0.5] * n + [float("nan")], "FP64", "float64"),
    "whole numbers": lambda n: _contents("int64_contents", [300] * n, "INT64", "int64"),
    "INT8, the last too great": lambda n: _contents("int_contents", [1] * n + [300], "INT8", "int64"),
    "texts": lambda n: _contents("bytes_contents", [b"ab"] * n, "BYTES", "string"),
    "texts, the last no UTF-8": lambda n: _contents("bytes_contents", [b"ab"] * n + [b"\xff"], "BYTES", "string"),
    "values in another field": lambda n: _contents("int_contents", [1] * n, "FP64", "float64"),
    "a message cut short": lambda n: _grpc(1, pb.ModelInferRequest(id="a"), b"\x2a\x00" * n + b"\x2a"),
    "unknown fields": lambda n: _grpc(1, pb.ModelInferRequest(id="a"), b"\xf8\x01\x00" * n),
}
OTHER: dict[str, Callable[[int], Work]] = {
    "attributes of an event": lambda n: _event({**dict.fromkeys(_names(n), "a"), "data": {}}),
    "an event without data": lambda n: _event(dict.fromkeys(_names(n), "a")),
    "headers of an event": lambda n: (lambda pairs: lambda: cloudevent.check(bodies.read_headers(pairs)))(
        [(b"ce-" + name.encode(), b"a") for name in _names(n)]
    ),
    "headers": lambda n: _head([(name.encode(), b"a") for name in _names(n)]),
    "a header twice": lambda n: _head([*((name.encode(), b"a") for name in _names(n)), *[(b"content-type", b"a")] * 2]),
    "a header n times": lambda n: _head([(b"content-type", b"application/json")] * n),
    "parameters of a content type": lambda n: _head(
        [(b"content-type", b"application/json" + b";a=b" * n + b";charset=x")]
    ),
    "digits of a length": lambda n: _head([(bodies.BINARY.encode(), b"9" * 20 * n)]),
}
LIMITS: dict[str, Callable[[int], Work]] = {
    "many lists": lambda n: _limits(b"[[" + b"[0]," * n + b"0]]"),
    "brackets in texts": lambda n: _limits(b'["' + b"[{," * 20 * n + b'"]'),
    "escaped brackets": lambda n: _limits(b'["' + b'\\"[\\\\' * 20 * n + b'"]'),
    "backslashes": lambda n: _limits(b'["[' + b"\\" * 20 * n + b'"]'),
    "quotation marks": lambda n: _limits(b"[" + b'"["' * 20 * n),
    "inputs": lambda n: _message_limits(n, b"\x2a\x0a\x0a\x08abcdefgh" * n),
    "inputs of many fields": lambda n: _message_limits(n, (b"\x2a\xe8\x07" + b"\x22\x00" * 500) * (n // 10)),
    "unknown fields": lambda n: _message_limits(n, b"\xf8\x01\x00" * 4 * n),  # fewer are not counted
}
CASES = {
    f"{form}: {name}": make
    for form, cases in (("JSON", JSON), ("v1", V1), ("v2", V2), ("gRPC", GRPC), ("limits", LIMITS), ("other", OTHER))
    for name, make in cases.items()
}
