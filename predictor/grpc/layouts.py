"""Reads a message like an earlier one quickly: a client sends the same names, types and shapes with other values.

Such a message differs from the earlier one only in its raw contents, which stand at its end and have the same lengths.
The bytes before them were parsed and checked the first time, so that only the values are left to be checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.validation.validator import Validator
from predictor.grpc.infer_request import Decoded, Request
from predictor.grpc.message_limits import fields_of
from predictor.protocols import v2
from predictor.protocols.tensors import DTYPES, WIDE

_MOST = 8  # layouts that are remembered
_LONGEST = 4096  # bytes before the raw contents
_RAW = pb.ModelInferRequest.DESCRIPTOR.fields_by_name["raw_input_contents"].number
_NUMBERS = frozenset(DTYPES) - {"BOOL", "BYTES"}  # of which each value has the same size, and any bytes are one


@dataclass(frozen=True)
class Values:
    """Where the values of one tensor lie: `count` of `dtype` from byte `begin` on, behind their tag and length."""

    name: str
    dtype: np.dtype[Any]
    count: int
    begin: int


@dataclass(frozen=True)
class Layout:
    """A message of `length` bytes that begins with `head`, and the request that it is but for its columns.

    `between`: what stands before the values of each further tensor, and where.
    """

    head: bytes
    length: int
    rows: int
    tensors: tuple[Values, ...]
    between: tuple[tuple[bytes, int], ...]
    request: Request

    def fits(self, data: bytes) -> bool:
        """Whether `data` differs from the message in its values at most."""
        return (
            len(data) == self.length
            and data.startswith(self.head)
            and all(data.startswith(part, begin) for part, begin in self.between)
        )

    def read(self, validator: Validator, data: bytes) -> Request | None:
        """The request in such a message; None where its values are not plain, or not right."""
        arrays = {
            tensor.name: np.frombuffer(data, tensor.dtype, tensor.count, tensor.begin).astype(
                tensor.dtype.newbyteorder("=")
            )
            for tensor in self.tensors
        }
        wide = arrays.get(WIDE) if WIDE not in validator.dtypes else None
        columns = validator.accept(arrays) if wide is None else validator.accept_table(wide.reshape(self.rows, -1))
        return None if columns is None else Request(None, columns, self.request.outputs)


class Layouts:
    """The layouts of the last messages that had a new one. May be used by any thread."""

    def __init__(self, decode: Callable[[bytes], Decoded]) -> None:
        """`decode` reads a message whatever it is, and checks what a layout says."""
        self._decode = decode
        self._layouts: tuple[Layout, ...] = ()

    def decode(self, data: bytes) -> KnownLayout | NewLayout:
        """The message in `data`; raises what `decode` raises."""
        for layout in self._layouts:
            if layout.fits(data):
                return KnownLayout(data, layout, self._decode)
        return NewLayout(data, self._decode(data), self)

    def remember(self, data: bytes, message: pb.ModelInferRequest, request: Request) -> None:
        """Remember the layout of the message in `data`, read as `request`, where later messages may have it, too."""
        if message.id or not message.raw_input_contents or {tensor.datatype for tensor in message.inputs} - _NUMBERS:
            return
        layout = _layout(data, message, request)
        if layout is not None:
            self._layouts = (layout, *self._layouts[: _MOST - 1])


@dataclass(frozen=True)
class KnownLayout:
    """A message that begins as one before."""

    data: bytes
    layout: Layout
    decode: Callable[[bytes], Decoded]

    @property
    def rows(self) -> int:
        """As many as the one before had."""
        return self.layout.rows

    def validated(self, validator: Validator, closely: bool) -> Request:
        """The request; a value that is not right, or not plain, is looked at as in any other message."""
        request = self.layout.read(validator, self.data)
        return self.decode(self.data).validated(validator, closely) if request is None else request

    def free(self) -> None:
        """Nothing: a message is freed as a whole."""


@dataclass(frozen=True)
class NewLayout:
    """A message like none before, which is remembered once it is read."""

    data: bytes
    decoded: Decoded
    layouts: Layouts

    @property
    def rows(self) -> int:
        """As many as it says."""
        return self.decoded.rows

    def validated(self, validator: Validator, closely: bool) -> Request:
        """As `infer_request.read`."""
        request = self.decoded.validated(validator, closely)
        self.layouts.remember(self.data, self.decoded.message, request)
        return request

    def free(self) -> None:
        """Nothing: a message is freed as a whole."""


def _layout(data: bytes, message: pb.ModelInferRequest, request: Request) -> Layout | None:
    ends: list[tuple[int, int, int]] = []  # of each raw content: where its tag, its values, and what follows begin
    at = 0
    for number, begin, end in fields_of(data, 0, len(data)):
        if number == _RAW:
            ends.append((at, begin, end))
        elif ends:
            return None
        at = end
    if at != len(data) or len(ends) != len(message.inputs) or ends[0][1] > _LONGEST:
        return None
    tensors = []
    for tensor, (_, begin, end) in zip(message.inputs, ends, strict=True):
        dtype = np.dtype(DTYPES[tensor.datatype]).newbyteorder("<")
        tensors.append(Values(tensor.name, dtype, (end - begin) // dtype.itemsize, begin))
    return Layout(
        head=data[: ends[0][1]],
        length=len(data),
        rows=v2.most_rows([list(tensor.shape) for tensor in message.inputs]),
        tensors=tuple(tensors),
        between=tuple((data[tag:begin], tag) for tag, begin, _ in ends[1:]),
        request=replace(request, columns={}),
    )
