"""How many inputs, outputs and fields a gRPC message may have, counted in its bytes before anything is built from it.

An empty input takes two bytes and becomes an object of a hundred. In protobuf's wire format a message is one field
behind the other, each a tag and what belongs to it (https://protobuf.dev/programming-guides/encoding/): they can be
counted without a look at what they hold, and counting ends where there are too many.
"""

from __future__ import annotations

from collections.abc import Iterator

from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact.errors import InvalidRequest
from artifact.signature import Signature

_SHORT = 64 << 10  # bytes of a message from which little can be built
_SHORT_INPUT = 128  # the same of an input, of which there are as many as features
_SPARE = 1024  # fields beside the tensors: parameters
_FIELDS_OF_INPUT = 8
_NUMBERS = {field.name: field.number for field in pb.ModelInferRequest.DESCRIPTOR.fields}
_VARINT, _EIGHT_BYTES, _LENGTH_DELIMITED, _GROUP, _END_OF_GROUP, _FOUR_BYTES = range(6)


class MessageLimits:
    """The most inputs, outputs, raw contents and fields of a request to the model of a signature."""

    def __init__(self, signature: Signature) -> None:
        inputs = len(signature.names)
        limits = {"inputs": inputs, "outputs": len(signature.outputs), "raw_input_contents": inputs}
        self._named = {_NUMBERS[name]: (most, name) for name, most in limits.items()}
        self._fields = _FIELDS_OF_INPUT * inputs + _SPARE

    def check(self, data: bytes) -> None:
        """InvalidRequest where the message `data` has more than a request has.

        Bytes that are no message are none of its business: decoding says so.
        """
        if len(data) <= _SHORT:
            return
        counts = dict.fromkeys(self._named, 0)
        fields = 0
        for number, begin, end in fields_of(data, 0, len(data)):
            fields += 1
            if number in counts:
                counts[number] += 1
                most, name = self._named[number]
                if counts[number] > most:
                    raise InvalidRequest(
                        f"the message has more than {most} {name}, the most for this model; send each tensor once"
                    )
            if number == _NUMBERS["inputs"] and end - begin > _SHORT_INPUT:
                for _ in fields_of(data, begin, end):
                    fields += 1
                    if fields > self._fields:
                        break
            if fields > self._fields:
                raise InvalidRequest(
                    f"the message has more than {self._fields} fields, the most for this model; send fewer parameters"
                )


def fields_of(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Of each field between `at` and `end`: its number, and where what belongs to it begins and ends."""
    while at < end:
        tag, begin = _varint(data, at, end)
        kind = tag & 7
        if kind == _LENGTH_DELIMITED:
            size, begin = _varint(data, begin, end)
            at = begin + size
        elif kind == _VARINT:
            _, at = _varint(data, begin, end)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            at = begin + (8 if kind == _EIGHT_BYTES else 4)
        elif kind in (_GROUP, _END_OF_GROUP):  # what stands between them counts as if it stood here
            at = begin
        else:
            return
        if at > end:
            return
        yield tag >> 3, begin, at


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of up to ten bytes, and where it ends; beyond `end` where it does not."""
    number = 0
    for position in range(10):
        if at >= end:
            break
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return number, at
    return 0, end + 1
