"""Packed values of gRPC's typed contents: what numpy reads and writes is what protobuf itself does."""

from __future__ import annotations

import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from predictor.grpc import packed

FIELDS = {"fp64_contents": np.float64, "fp32_contents": np.float32, "bool_contents": np.bool_}
LENGTHS = (0, 1, 15, 16, 127, 128, 5000)  # lengths in bytes of one, two and three bytes


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("length", LENGTHS)
def test_same_as_protobuf(field: str, length: int) -> None:
    """Reading gives the values that protobuf's own list has; writing gives the message that protobuf itself builds."""
    values = (
        np.arange(length).astype(FIELDS[field]) / FIELDS[field](3)
        if field != "bool_contents"
        else np.arange(length) % 3 == 0
    )
    contents = pb.InferTensorContents()
    getattr(contents, field).extend(values.tolist())
    read = packed.read(contents, field)
    assert read is not None
    assert (read.dtype, read.tolist()) == (np.dtype(FIELDS[field]), list(getattr(contents, field)))
    part = pb.InferTensorContents()
    assert packed.write(part, field, values)
    assert part == contents


def test_other_forms() -> None:
    """Fields that lie differently in memory, and messages with anything beside the values, are left to protobuf."""
    contents = pb.InferTensorContents(int_contents=[1, 300])
    assert packed.read(contents, "int_contents") is None
    assert not packed.write(contents, "int64_contents", np.array([1]))
    unknown = bytes([15 << 3 | 0, 1])
    contents = pb.InferTensorContents.FromString(
        unknown + pb.InferTensorContents(fp64_contents=[1]).SerializeToString()
    )
    assert packed.read(contents, "fp64_contents") is None
    assert list(contents.fp64_contents) == [1]
