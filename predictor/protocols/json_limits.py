"""How many objects, lists and values a JSON body may have, counted before anything is built from it.

`{},` takes three bytes and becomes an object of a hundred. A request that fits has few objects and lists: its signature
and the limit of rows say how many at most. They are counted in the bytes of the body, which costs a small part of
reading it, and no memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from artifact.errors import InvalidRequest
from artifact.signature import Signature
from predictor.errors import TooManyRows

_SHORT = 64 << 10  # bytes of a body from which little can be built
_PIECE = 1 << 20  # bytes counted at once, two at least: other threads run between two pieces
_SPARE = 1024  # objects, lists and values beside the rows: parameters, attributes of an event


@dataclass(frozen=True)
class JsonLimits:
    """The most objects, lists and values in a request of `rows` rows; a comma stands for each value but the first."""

    rows: int
    objects: int
    lists: int
    commas: int
    rows_are_objects: bool

    @classmethod
    def of_v1(cls, signature: Signature, rows: int) -> JsonLimits:
        """For v1: a list or an object a row."""
        return cls(rows, rows + _SPARE, rows + _SPARE, rows * len(signature.names) + _SPARE, True)

    @classmethod
    def of_v2(cls, signature: Signature, rows: int) -> JsonLimits:
        """For v2: an object and two lists a tensor, and a list for each value where its data are nested."""
        tensors = len(signature.names) + len(signature.outputs)
        return cls(rows, 2 * tensors + _SPARE, tensors * (rows + 2) + _SPARE, tensors * (rows + 8) + _SPARE, False)

    def check(self, body: bytes) -> None:
        """TooManyRows or InvalidRequest where `body` has more than a request has; the message says what and how many.

        What stands within texts is left out only where it makes a difference: telling it apart takes longer.
        """
        if len(body) > _SHORT and self._problem(_counts([body])) is not None:
            problem = self._problem(_counts(_blanked(body)))
            if problem is not None:
                raise problem

    def _problem(self, counts: tuple[int, int, int]) -> Exception | None:
        objects, lists, commas = counts
        many = TooManyRows if self.rows_are_objects else InvalidRequest
        if objects > self.objects:
            remedy = "send the rows in several requests" if self.rows_are_objects else "send one tensor a feature"
            return many(f"the body has {objects} objects, a request to this model at most {self.objects}; {remedy}")
        for number, most, unit in ((lists, self.lists, "lists"), (commas, self.commas, "values")):
            if number > most:
                limits = f"a request of {self.rows} rows to this model has at most {most}"
                return TooManyRows(f"the body has {number} {unit}, {limits}; send the rows in several requests")
        if objects + lists > commas + _SPARE:
            within = f"{objects + lists} lists and objects for {commas + 1} values"
            return InvalidRequest(f"the body has {within}, nested too deep; send a row as one list or object")
        return None


def _counts(parts: Iterable[bytes | np.ndarray]) -> tuple[int, int, int]:
    """How many objects begin in `parts` of a body, how many lists, and how many commas there are."""
    counts = [0, 0, 0]
    for part in parts:
        data = np.frombuffer(part, np.uint8)
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            for place, byte in enumerate(b"{[,"):
                counts[place] += int(np.count_nonzero(piece == byte))
    objects, lists, commas = counts
    return objects, lists, commas


def _blanked(body: bytes) -> Iterator[np.ndarray]:
    """`body` in pieces, with zeros for what stands within texts."""
    at, within = 0, np.uint8(0)
    while at < len(body):
        piece = body[at : at + _PIECE]
        at += len(piece)
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2 and at < len(body):
            piece = piece[:-1]  # what it escapes is in the next piece, and so it is there
            at -= 1
        # Without escaped backslashes, and then without escaped quotation marks, each mark begins or ends a text.
        data = np.frombuffer(piece.replace(b"\\\\", b"").replace(b'\\"', b""), np.uint8)
        if len(data):
            texts = np.bitwise_xor.accumulate((data == ord('"')).view(np.uint8)) ^ within
            within = texts[-1]
            yield data * (1 - texts)
