"""Times, dates and whole numbers with gaps in every protocol: one set of rules, and the columns that a model gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.errors import InvalidRequest
from artifact.load import load
from artifact.validation.validator import Validator
from predictor.grpc import infer_request
from predictor.protocols import v1, v2

FORMAT_2 = Path(__file__).parents[2] / "artifact/formats/2"
SIGNATURE = load(FORMAT_2, allow_unpinned=True).signature
ROW: dict[str, Any] = {
    "size": 2.5,
    "rooms": 3,
    "smoker": None,
    "city": "Bonn",
    "sold at": "2026-03-29T12:00:00",  # in Berlin, as the schema says
    "built": "1970-01-02",
    "floors": None,
}
DATATYPES = {"size": "FP64", "rooms": "INT64", "smoker": "BOOL", "floors": "INT64"}


def columns_of(protocol: str, row: dict[str, Any]) -> dict[str, Any]:
    validator = Validator(SIGNATURE)
    if protocol == "v1":
        return dict(v1.parse(validator, {"instances": [row]}).columns)
    if protocol == "v2":
        inputs = [
            {"name": name, "shape": [1], "datatype": DATATYPES.get(name, "BYTES"), "data": [value]}
            for name, value in row.items()
        ]
        return dict(v2.parse(validator, json.loads(json.dumps({"inputs": inputs})), memoryview(b"")).columns)
    request = pb.ModelInferRequest()
    for name, value in row.items():
        typed: dict[str, Any] = {"fp64_contents": [float("nan") if value is None else value]}
        text = isinstance(value, str)
        if text:
            typed = {"bytes_contents": [value.encode()]}
        datatype = "BYTES" if text else "FP64"
        request.inputs.add(name=name, datatype=datatype, shape=[1], contents=pb.InferTensorContents(**typed))
    return dict(infer_request.read(validator, request).columns)


@pytest.mark.parametrize("protocol", ["v1", "v2", "grpc"])
def test_columns(protocol: str) -> None:
    """Seconds since 1970 UTC, and NaN for a whole number that is missing, whichever way they came."""
    columns = columns_of(protocol, ROW)
    assert columns["sold at"].tolist() == [1774778400.0]
    assert columns["built"].tolist() == [86400.0]
    assert columns["floors"].dtype == np.float64
    assert np.isnan(columns["floors"]).all()
    assert columns_of(protocol, {**ROW, "floors": 7})["floors"].tolist() == [7.0]


@pytest.mark.parametrize("protocol", ["v1", "v2", "grpc"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sold at": "2026-03-29T02:30:00"}, "is there twice or never in Europe/Berlin"),
        ({"built": "2026-13-01"}, "is no time of the calendar"),
        ({"floors": 1.5}, "1.5"),
    ],
)
def test_refused(protocol: str, change: dict[str, Any], says: str) -> None:
    """What a rule refuses it refuses in every protocol, with the value."""
    with pytest.raises(InvalidRequest, match=says):
        columns_of(protocol, {**ROW, **change})
