"""What a gRPC message may have: never too little for a request that fits, and counted before it is decoded."""

from __future__ import annotations

import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.errors import InvalidRequest
from artifact.signature import Feature, Output, Signature
from predictor.grpc import message_limits
from predictor.grpc.message_limits import MessageLimits

NAMES = [f"x{at}" for at in range(50)]
SIGNATURE = Signature(
    "regression", tuple(Feature(name, "float64") for name in NAMES), (Output("prediction", "float64"),)
)
LIMITS = MessageLimits(SIGNATURE)


@pytest.fixture(autouse=True)
def of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are counted however short they are."""
    monkeypatch.setattr(message_limits, "_SHORT", 0)
    monkeypatch.setattr(message_limits, "_SHORT_INPUT", 0)


def message(raw: bool, rows: int = 300) -> pb.ModelInferRequest:
    """A request with everything that one may have."""
    request = pb.ModelInferRequest(model_name="m", model_version="1", id="a")
    request.outputs.add(name="prediction").parameters["binary_data"].bool_param = True
    for name in NAMES:
        tensor = request.inputs.add(name=name, datatype="FP64", shape=[rows, 1])
        tensor.parameters["a"].int64_param = 2**60
        if raw:
            request.raw_input_contents.append(bytes(8 * rows))
        else:
            tensor.contents.fp64_contents.extend([0.5] * rows)
    for at in range(500):
        request.parameters[f"p{at}"].string_param = "x" * 200
    return request


@pytest.mark.parametrize("raw", [True, False])
def test_a_request_that_fits(raw: bool) -> None:
    """A request with all inputs, outputs and some hundred parameters is never refused."""
    LIMITS.check(message(raw).SerializeToString())


@pytest.mark.parametrize("name", ["inputs", "outputs", "raw_input_contents", "parameters", "unknown", "of an input"])
def test_too_much(name: str) -> None:
    """One more of anything than a request may have is refused, with its name and the limit."""
    request = message(raw=False)
    more = b""
    if name == "inputs":
        request.inputs.add(name="x")
    elif name == "outputs":
        request.outputs.add(name="x")
    elif name == "raw_input_contents":
        request.raw_input_contents.extend([b""] * 51)
    elif name == "parameters":
        more = b"\x22\x00" * 2000
    elif name == "unknown":
        more = b"\xf8\x01\x00\xfd\x01\0\0\0\0\xf9\x01\0\0\0\0\0\0\0\0\xfb\x01\xfc\x01" * 500
    else:
        request = pb.ModelInferRequest(model_name="m")
        more = b"\x2a\xa0\x1f" + b"\x22\x00" * 2000
    data = request.SerializeToString() + more
    pb.ModelInferRequest.FromString(data)
    limit = {"inputs": 50, "outputs": 1, "raw_input_contents": 50}.get(name, 1424)
    with pytest.raises(InvalidRequest, match=f"more than {limit} {name if limit < 100 else 'fields'}"):
        LIMITS.check(data)


def test_no_message() -> None:
    """Bytes that are no message, or end too soon, are left to whoever decodes them."""
    data = message(raw=True, rows=3).SerializeToString()
    for end in range(0, len(data), 1009):
        LIMITS.check(data[:end])
    for junk in (b"\xff" * 100, b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x2f", b"\x0a\x05a", b"\x2e\x07"):
        LIMITS.check(junk)
