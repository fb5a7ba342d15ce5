"""v2 requests over gRPC: typed and raw contents."""

from __future__ import annotations

import struct
from typing import Any

from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from tests.predictor.corpus import NAMES, ROW, Call
from tests.predictor.corpus_binary import WIDE, text

Tensor = pb.ModelInferRequest.InferInputTensor
Output = pb.ModelInferRequest.InferRequestedOutputTensor
INVALID = "INVALID_ARGUMENT"


def one_input(
    name: str = "input-0", shape: Any = (1, 4), datatype: str = "FP64", missing: Any = None, **contents: Any
) -> Any:
    """One input; `contents` are fields of InferTensorContents, `missing` the parameter of that name."""
    tensor = Tensor(name=name, shape=shape, datatype=datatype)
    if contents:
        tensor.contents.CopyFrom(pb.InferTensorContents(**contents))
    if missing is not None:
        tensor.parameters["missing"].CopyFrom(pb.InferParameter(**missing))
    return tensor


def request(*tensors: Any, model: str = "iris", raw: Any = (), **more: Any) -> Any:
    """A ModelInferRequest."""
    return pb.ModelInferRequest(model_name=model, inputs=tensors, raw_input_contents=list(raw), **more)


def _typed(title: str, code: str, says: str, **changes: Any) -> Call:
    contents = {"fp64_contents": ROW, **changes}
    return Call(
        title, code, says, request(one_input(**{key: value for key, value in contents.items() if value is not None}))
    )


def _raw(title: str, code: str, says: str, *raws: bytes, **changes: Any) -> Call:
    return Call(title, code, says, request(one_input(**changes), raw=raws or [WIDE]))


def _more(title: str, code: str, says: str, **more: Any) -> Call:
    return Call(title, code, says, request(one_input(fp64_contents=ROW), **more))


def _with_feature(title: str, code: str, says: str, feature: str, **changes: Any) -> Call:
    """One row of people, with changes to one tensor."""
    columns_sent: dict[str, dict[str, Any]] = {
        "größe (cm)": {"datatype": "FP64", "fp64_contents": [170.5]},
        "rooms": {"datatype": "INT64", "int64_contents": [3]},
        "smoker": {"datatype": "BOOL", "bool_contents": [True]},
        "city": {"datatype": "BYTES", "bytes_contents": ["東京".encode()]},
        "grade": {"datatype": "BYTES", "bytes_contents": ["ç".encode()]},
    }
    if "datatype" in changes:
        columns_sent[feature] = {}
    columns_sent[feature] |= changes
    tensors = [one_input(name, (1,), **fields) for name, fields in columns_sent.items()]
    return Call(title, code, says, request(*tensors, model="people"), model="people")


COLUMNS = [one_input(name, (1,), fp64_contents=[value]) for name, value in zip(NAMES, ROW, strict=True)]

LEGAL = [
    _typed("typed FP64", "OK", "setosa"),
    _typed("typed FP32", "OK", "setosa", datatype="FP32", fp64_contents=None, fp32_contents=ROW),
    _typed("typed INT8", "OK", "setosa", datatype="INT8", fp64_contents=None, int_contents=[5, 3, 1, 0]),
    _typed("typed INT64", "OK", "setosa", datatype="INT64", fp64_contents=None, int64_contents=[5, 3, 1, 0]),
    _typed("typed UINT16", "OK", "setosa", datatype="UINT16", fp64_contents=None, uint_contents=[5, 3, 1, 0]),
    _typed("typed UINT64", "OK", "setosa", datatype="UINT64", fp64_contents=None, uint64_contents=[5, 3, 1, 0]),
    _raw("raw FP64", "OK", "setosa"),
    _raw("raw FP16", "OK", "setosa", struct.pack("<4e", *ROW), datatype="FP16"),
    _more("an id in every script", "OK", "ü-東", id="ü-東-😀"),
    _more("one output asked for", "OK", "label", outputs=[Output(name="label")]),
    _more("parameters unknown here", "OK", "setosa", parameters={"trace": pb.InferParameter(int64_param=1)}),
    Call("by feature", "OK", "setosa", request(*COLUMNS)),
    Call("by feature in another order", "OK", "setosa", request(*COLUMNS[::-1])),
    Call("the digest as the version", "OK", "setosa", request(one_input(fp64_contents=ROW), model_version="{digest}")),
    _with_feature("every type", "OK", "BOOL", "city"),
    _with_feature("a missing text", "OK", "BOOL", "city", bytes_contents=[b"-"], missing={"string_param": "-"}),
    _with_feature("a missing number", "OK", "BOOL", "größe (cm)", fp64_contents=[float("nan")]),
    _with_feature("a missing boolean", "OK", "BOOL", "smoker", datatype="FP32", fp32_contents=[float("nan")]),
    Call("metadata", "OK", "sepal length", pb.ModelMetadataRequest(name="iris"), "ModelMetadata"),
    Call(
        "metadata of the version",
        "OK",
        "sklearn",
        pb.ModelMetadataRequest(name="iris", version="{digest}"),
        "ModelMetadata",
    ),
    Call("the model's readiness", "OK", "ready: true", pb.ModelReadyRequest(name="iris"), "ModelReady"),
    Call("the server's readiness", "OK", "ready: true", pb.ServerReadyRequest(), "ServerReady"),
    Call("the server's liveness", "OK", "live: true", pb.ServerLiveRequest(), "ServerLive"),
    Call("the server's metadata", "OK", "binary_tensor_data", pb.ServerMetadataRequest(), "ServerMetadata"),
]

WRONG_MODEL = [
    Call("an unknown model", "NOT_FOUND", "'rose'", request(one_input(fp64_contents=ROW), model="rose")),
    Call("no model", "NOT_FOUND", "''", request(one_input(fp64_contents=ROW), model="")),
    Call("a model of 100 KB", "NOT_FOUND", "'xxx", request(one_input(fp64_contents=ROW), model="x" * 100_000)),
    Call("an unknown version", "NOT_FOUND", "version '1'", request(one_input(fp64_contents=ROW), model_version="1")),
    Call("metadata of another model", "NOT_FOUND", "'rose'", pb.ModelMetadataRequest(name="rose"), "ModelMetadata"),
    Call(
        "metadata of another version",
        "NOT_FOUND",
        "version '1'",
        pb.ModelMetadataRequest(name="iris", version="1"),
        "ModelMetadata",
    ),
    Call("readiness of another model", "NOT_FOUND", "'rose'", pb.ModelReadyRequest(name="rose"), "ModelReady"),
    Call("readiness of no model", "NOT_FOUND", "''", pb.ModelReadyRequest(), "ModelReady"),
    Call("load", "UNIMPLEMENTED", "one model", pb.RepositoryModelLoadRequest(model_name="iris"), "RepositoryModelLoad"),
    Call(
        "unload",
        "UNIMPLEMENTED",
        "one model",
        pb.RepositoryModelUnloadRequest(model_name="iris"),
        "RepositoryModelUnload",
    ),
]

WRONG_TENSOR = [
    Call("no inputs", INVALID, "no inputs", request()),
    _typed("no name", INVALID, "unknown feature ''", name=""),
    _typed("no datatype", INVALID, "datatype ''", datatype=""),
    _typed("an unknown datatype", INVALID, "'FP128'", datatype="FP128"),
    _typed("no shape", INVALID, "shape []", shape=()),
    _typed("a negative dimension", INVALID, "shape [-1, 4]", shape=(-1, 4)),
    _typed("a transposed shape", INVALID, "[4, 1]", shape=(4, 1)),
    _typed("three dimensions", INVALID, "[1, 2, 2]", shape=(1, 2, 2)),
    _typed("no contents", INVALID, "0 values", fp64_contents=None),
    _typed("a value too few", INVALID, "3 values", fp64_contents=ROW[:3]),
    _typed("a value too many", INVALID, "5 values", fp64_contents=[*ROW, 1]),
    _typed("no rows", INVALID, "no rows", shape=(0, 4), fp64_contents=None),
    _typed(
        "the field of another datatype",
        INVALID,
        "fp64_contents, not in fp32_contents",
        fp64_contents=None,
        fp32_contents=ROW,
    ),
    _typed("two fields", INVALID, "fp32_contents", fp32_contents=ROW),
    _typed(
        "FP16 in a typed field",
        INVALID,
        "FP16 has no typed field",
        datatype="FP16",
        fp64_contents=None,
        fp32_contents=ROW,
    ),
    _raw("raw and typed", INVALID, "both raw and typed", fp64_contents=ROW),
    _raw("a raw content too many", INVALID, "2 raw contents for 1", WIDE, WIDE),
    Call(
        "a raw content too few",
        INVALID,
        "1 raw contents for 4",
        request(*[one_input(name, (1,)) for name in NAMES], raw=[WIDE]),
    ),
    _raw("a byte too few", INVALID, "31 bytes", WIDE[:-1]),
    _raw("a byte too many", INVALID, "33 bytes", WIDE + b"\0"),
    _raw("no bytes", INVALID, "0 bytes", b""),
    Call(
        "the wide tensor twice", INVALID, "twice", request(one_input(fp64_contents=ROW), one_input(fp64_contents=ROW))
    ),
    Call(
        "a second tensor",
        INVALID,
        "unknown feature",
        request(one_input(fp64_contents=ROW), one_input("x", (1,), fp64_contents=[1.0])),
    ),
    Call("a feature missing", INVALID, "missing 'petal width (cm)'", request(*COLUMNS[:3])),
    Call("a feature twice", INVALID, "twice", request(*COLUMNS, COLUMNS[0])),
    _more("an unknown output", INVALID, "unknown output 'score'", outputs=[Output(name="score")]),
    _more("an output twice", INVALID, "twice", outputs=[Output(name="label"), Output(name="label")]),
]

WRONG_VALUE = [
    _typed("300 in INT8", INVALID, "INT8", datatype="INT8", fp64_contents=None, int_contents=[5, 300, 1, 0]),
    _typed("300 in UINT8", INVALID, "UINT8", datatype="UINT8", fp64_contents=None, uint_contents=[5, 300, 1, 0]),
    _typed(
        "NaN where nothing may be missing",
        INVALID,
        "'petal width (cm)', row 0: missing",
        fp64_contents=[5, 3, 1, float("nan")],
    ),
    _typed("infinity", INVALID, "row 0: inf", fp64_contents=[5, 3, 1, float("inf")]),
    _typed("above the range", INVALID, "'sepal length (cm)', row 0: 101.0", fp64_contents=[101, 3, 1, 0]),
    _typed("BOOL for numbers", INVALID, "float64", datatype="BOOL", fp64_contents=None, bool_contents=[True] * 4),
    _typed("BYTES for numbers", INVALID, "is text", datatype="BYTES", fp64_contents=None, bytes_contents=[b"1"] * 4),
    _raw("BYTES that are no elements", INVALID, "4 elements", b"\xff" * 32, datatype="BYTES"),
    _raw("BYTES for numbers, raw", INVALID, "is text", text("1", "2", "3", "4"), datatype="BYTES"),
    _raw("a BOOL byte of 2", INVALID, "BOOL", b"\0\1\2\1", datatype="BOOL"),
    _with_feature(
        "5.9 for a whole number", INVALID, "'rooms', row 0: 5.9", "rooms", datatype="FP64", fp64_contents=[5.9]
    ),
    _with_feature("a boolean in INT8", INVALID, "'smoker'", "smoker", datatype="INT8", int_contents=[1]),
    _with_feature("text that is not UTF-8", INVALID, "'city'", "city", bytes_contents=[b"\xff"]),
    _with_feature("an undeclared category", INVALID, "'grade', row 0: 'd'", "grade", bytes_contents=[b"d"]),
    _with_feature("a category missing", INVALID, "'grade', row 0: missing", "grade", missing={"string_param": "ç"}),
    _with_feature("a marker that is a number", INVALID, "'missing'", "city", missing={"int64_param": 1}),
    Call(
        "2**53 + 1 for a float64",
        INVALID,
        "9007199254740993",
        request(one_input("x", (1,), "INT64", int64_contents=[2**53 + 1]), model="echo"),
        model="echo",
    ),
    Call("a message that is no protobuf", INVALID, "", b"\xff\xff\xff\xff"),
    Call("a message with a name that is not UTF-8", INVALID, "", b"\x0a\x02\xff\xfe"),
    Call("an unknown method", "UNIMPLEMENTED", "", b"", "ModelExplain"),
    Call(
        "a message over the limit",
        "RESOURCE_EXHAUSTED",
        "",
        request(one_input(datatype="BYTES"), raw=[b"\0" * (65 << 20)]),
    ),
]

CASES = [*LEGAL, *WRONG_MODEL, *WRONG_TENSOR, *WRONG_VALUE]
