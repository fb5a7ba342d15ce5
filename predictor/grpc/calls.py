"""ModelInfer: plain calls of one turn of the event loop are answered together, each of the others by itself."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from predictor import errors
from predictor.grpc.call import Call
from predictor.grpc.layouts import Layouts
from predictor.http2.frames import field
from predictor.http2.stream import Stream
from predictor.observe.exchange import PURPOSE, REQUEST_ID, TRACEPARENT, Predicted
from predictor.protocols.request import Answer, Decoded, Request
from predictor.serving.lifecycle import Lifecycle
from predictor.serving.steps import Steps, begin
from predictor.serving.turns import Turns

_ID, _TRACE, _PURPOSE = REQUEST_ID.encode(), TRACEPARENT.encode(), PURPOSE.encode()


class InferCall(Call):
    """A call for a prediction. `body` is its message while it is worked on."""

    body = b""
    arrived: float
    content: Request
    rows: int

    def __init__(self, stream: Stream, lifecycle: Lifecycle, infer: Infer) -> None:
        super().__init__(stream, lifecycle)
        fields = stream.head.fields
        ids = [None if value is None else value.decode("latin-1") for value in map(fields.get, (_ID, _TRACE, _PURPOSE))]
        self.exchange = begin("grpc", *ids)
        self.trailing = infer.trailing + field(_ID, self.exchange.request_id.encode())
        self._infer = infer

    def start(self, message: bytes) -> None:
        """Answer the message."""
        self.body = message
        self.exchange.received = len(message)
        self._infer.take(self)

    def failed(self, error: Exception) -> None:
        """Count and log the call, which has no prediction."""
        if not self.exchange.code:
            gone = isinstance(error, errors.Disconnected)
            self._lifecycle.account(self.exchange, "CANCELLED" if gone else errors.grpc_status(error).name, error)

    def gone(self) -> None:
        """Nobody waits for an answer, which may be written already."""
        super().gone()
        if self._task is None or self._task.done() or not self._works:  # a task that has begun counts the call itself
            self.failed(errors.Disconnected())

    def serve_alone(self) -> None:
        """Go the way of requests that are not plain."""
        if self.is_open:
            self.run(self._serve)

    async def _serve(self) -> None:
        size, lifecycle = len(self.body), self._lifecycle
        lifecycle.buffers.take(size)
        try:
            answer = await lifecycle.serve(self.exchange, lambda: self._infer.layouts.decode(self.body))
        finally:
            lifecycle.buffers.give(size)
            self.body = b""
        self.answer(answer.body)
        lifecycle.account(self.exchange, "OK")


class Infer:
    """What calls for a prediction share."""

    def __init__(self, lifecycle: Lifecycle, layouts: Layouts) -> None:
        self.layouts = layouts
        self.trailing = b"".join(field(name.encode(), value.encode()) for name, value in lifecycle.model.headers)
        self._lifecycle = lifecycle
        self._together = Together(lifecycle, layouts) if lifecycle.settings.fast_path == "on" else None

    def open(self, stream: Stream) -> InferCall:
        """A call begins."""
        return InferCall(stream, self._lifecycle, self)

    def take(self, call: InferCall) -> None:
        """The message of `call` is complete: with the others of this turn where it is short and there is a place."""
        if self._together is None or not self._together.take(call):
            call.serve_alone()


class Together(Turns[InferCall]):
    """The short way for plain calls: short messages that are right, while there is a place for them."""

    def __init__(self, steps: Steps, layouts: Layouts) -> None:
        super().__init__(steps)
        self._layouts = layouts

    def take(self, call: InferCall) -> bool:
        """Answer `call` in the next turn of the event loop; whether it is plain so far."""
        size = len(call.body)
        if size > self._steps.loop_bytes or not self.try_admit(size):
            return False
        call.arrived = perf_counter()
        self.add(call)
        return True

    def decode(self, request: InferCall, closely: bool) -> Decoded:
        """A ModelInfer message."""
        return self._layouts.decode(request.body)

    def takes_answer(self, request: InferCall) -> bool:
        """Not where the caller has left."""
        return request.is_open

    def write(self, request: InferCall, answer: Answer) -> None:
        """The answer, with what trails it."""
        request.answer(answer.body)

    def account(self, requests: Sequence[InferCall], shared: Predicted | None) -> None:
        """As answered with OK."""
        exchanges = [request.exchange for request in requests]
        only_users = not any(exchange.purpose for exchange in exchanges)
        self._steps.account_together(exchanges, "OK", shared if only_users else None)

    def hand_over(self, request: InferCall) -> None:
        """To `Lifecycle.serve`."""
        request.serve_alone()
