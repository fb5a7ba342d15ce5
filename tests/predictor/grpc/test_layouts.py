"""Messages that begin as one before: the same request as if each were read anew, and the same refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.errors import InvalidRequest
from artifact.signature import Feature, Output, Signature
from artifact.validation.validator import Validator
from predictor.grpc import infer_request
from predictor.grpc.layouts import KnownLayout, Layouts, NewLayout

INPUTS = (Feature("a", "float64", range=(0.0, 9.0)), Feature("b", "float64", nullable=True))
VALIDATOR = Validator(Signature("regression", INPUTS, (Output("prediction", "float64"),)))


def message(*values: float, names: tuple[str, ...] = ("input-0",), dtype: str = "<f8", **more: Any) -> bytes:
    """A request of these values: as one tensor of [rows, 2], or as one a feature."""
    table = np.array(values, dtype).reshape(-1, 2)
    columns = [table] if names == ("input-0",) else [table[:, :1], table[:, 1:]]
    datatype = {"<f8": "FP64", "<f4": "FP32", "<i8": "INT64"}[dtype]
    proto = pb.ModelInferRequest(model_name="m", **more)
    for name, column in zip(names, columns, strict=True):
        proto.inputs.add(name=name, datatype=datatype, shape=column.shape)
        proto.raw_input_contents.append(column.tobytes())
    proto.outputs.add(name="prediction")
    data: bytes = proto.SerializeToString()
    return data


def read(layouts: Layouts, data: bytes) -> infer_request.Request:
    """The request in `data`, by its layout; it has to be the one that a fresh reader finds."""
    anew = infer_request.decode(data).validated(VALIDATOR, True)
    request = layouts.decode(data).validated(VALIDATOR, True)
    assert (request.id, request.outputs) == (anew.id, anew.outputs)
    assert request.columns.keys() == anew.columns.keys()
    for name, column in anew.columns.items():
        np.testing.assert_array_equal(request.columns[name], column)
        assert request.columns[name].dtype == column.dtype
        assert request.columns[name].flags.writeable
    return request


@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i8"])
@pytest.mark.parametrize("names", [("input-0",), ("a", "b"), ("b", "a")], ids=" ".join)
@pytest.mark.parametrize("rows", [1, 3, 200])
def test_like_one_before(dtype: str, names: tuple[str, ...], rows: int) -> None:
    """Other values in a known message are those of its request; other shapes, types and names make it a new one."""
    layouts = Layouts(infer_request.decode)
    for first in range(3):
        values = [float((first + at) % 9) for at in range(2 * rows)]
        data = message(*values, names=names, dtype=dtype)
        assert type(layouts.decode(data)) is (KnownLayout if first else NewLayout)
        assert layouts.decode(data).rows == rows
        read(layouts, data)
    for other in (message(1, 2, 3, 4, names=names, dtype=dtype), message(1, 2, names=("a", "b"), parameters={"x": {}})):
        assert type(layouts.decode(other)) is NewLayout
        read(layouts, other)


def test_missing_and_wrong_values() -> None:
    """A missing number is one; a number out of its range, or no number, is refused by its row as in any message."""
    layouts = Layouts(infer_request.decode)
    read(layouts, message(1, 2, 3, 4))
    read(layouts, message(1, np.nan, 3, 4))
    for wrong in (message(1, 2, 10, 4), message(1, 2, np.nan, 4), message(1, 2, 3, np.inf)):
        with pytest.raises(InvalidRequest) as anew:
            infer_request.decode(wrong).validated(VALIDATOR, True)
        assert isinstance(layouts.decode(wrong), KnownLayout)
        with pytest.raises(InvalidRequest) as refusal:
            layouts.decode(wrong).validated(VALIDATOR, True)
        assert str(refusal.value) == str(anew.value)


def test_what_is_never_remembered() -> None:
    """A message with an id, typed contents, texts, or anything behind its raw contents is read anew each time."""
    typed = pb.ModelInferRequest(model_name="m")
    typed.inputs.add(name="input-0", datatype="FP64", shape=[1, 2]).contents.fp64_contents.extend([1, 2])
    behind = message(1, 2) + pb.ModelInferRequest(model_version="v").SerializeToString()
    layouts = Layouts(infer_request.decode)
    for data in (message(1, 2, id="a"), typed.SerializeToString(), behind):
        for _ in range(2):
            assert isinstance(layouts.decode(data), NewLayout)
            read(layouts, data)


def test_few_are_remembered() -> None:
    """However many layouts come, the last ones alone are kept."""
    layouts = Layouts(infer_request.decode)
    for rows in range(1, 30):
        read(layouts, message(*[1.0] * 2 * rows))
    reused = [isinstance(layouts.decode(message(*[2.0] * 2 * rows)), KnownLayout) for rows in range(1, 30)]
    assert reused == [False] * 21 + [True] * 8
