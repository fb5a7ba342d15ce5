"""What answers the requests of connections, and within which limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from predictor.http2.stream import Exchange, Stream


@dataclass(frozen=True)
class Limits:
    """What a client may ask for: bytes of fields, streams at once, seconds for fields, for a body and to take an
    answer, and seconds without a stream.
    """

    field_bytes: int
    streams: int
    field_seconds: float
    body_seconds: float
    send_seconds: float
    idle_seconds: float = math.inf


class Service(Protocol):
    """What answers the requests."""

    def open(self, stream: Stream) -> Exchange:
        """A request begins; its body follows, unless the stream has ended. It may be answered here already.

        Behind this a long head has no fields any more.
        """
