"""The record of one request and its answer, from which metrics and logs are made."""

from __future__ import annotations

from dataclasses import dataclass, field

from artifact.prediction import Columns, Prediction

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"
# A request that is no user's has this header: it is counted apart, so that it is no evidence on a canary.
PURPOSE = "x-modelpin-purpose"
PURPOSES = ("proof", "golden", "shadow")
EXPLAIN = "explain"  # the same of a request for explanations, by its route or parameter
STAGES = ("queue", "parse", "predict", "respond")
QUEUE, PARSE, PREDICT, RESPOND = range(len(STAGES))
Predicted = tuple[Columns, Prediction]  # the rows of requests and the answers to them
_NEVER = [-1.0] * len(STAGES)


@dataclass(eq=False)
class Exchange:
    """One request; `seconds` per stage in the order of STAGES, -1 for a stage that it never reached."""

    protocol: str
    request_id: str
    trace: tuple[str, str, str] | None  # trace id, parent id, flags
    purpose: str = ""  # one of PURPOSES, or EXPLAIN; empty for a user's request for a prediction
    seconds: list[float] = field(default_factory=_NEVER.copy, init=False)
    rows: int = field(default=0, init=False)
    received: int = field(default=0, init=False)  # bytes
    sent: int = field(default=0, init=False)
    fast: bool = field(default=False, init=False)  # answered on the fast path
    code: str = field(default="", init=False)  # the HTTP or gRPC status of its answer
    reason: str = field(default="", init=False)  # why it has no prediction: one of predictor.errors.REASONS
    ended: float = field(default=0.0, init=False)  # time.time() of its answer
    # Rows and answers until they are counted; None where they are not to be, or another exchange of the call has them.
    predicted: Predicted | None = field(default=None, init=False)
