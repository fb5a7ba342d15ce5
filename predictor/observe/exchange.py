"""What is known of a request and of its answer: the record that metrics and logs are made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from artifact.prediction import Columns, Prediction

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"
# Whoever sends a request that is no user's says so: it is counted apart, so that it is no evidence on a canary.
PURPOSE = "x-modelpin-purpose"
PURPOSES = ("proof", "golden", "shadow")
EXPLAIN = "explain"  # the same of a request for explanations, by its route or parameter
STAGES = ("queue", "parse", "predict", "respond")
QUEUE, PARSE, PREDICT, RESPOND = range(len(STAGES))
_NEVER = [-1.0] * len(STAGES)


@dataclass(slots=True, eq=False)
class Exchange:
    """One request; `seconds` per stage in the order of STAGES, -1 for a stage that it never reached."""

    protocol: str
    request_id: str
    trace: tuple[str, str, str] | None  # trace id, parent id, flags
    purpose: str = ""  # one of PURPOSES, or EXPLAIN; empty for a user's request for a prediction
    seconds: list[float] = field(default_factory=_NEVER.copy)
    rows: int = 0
    received: int = 0  # bytes
    sent: int = 0
    fast: bool = False  # answered on the fast path
    code: str = ""  # the HTTP or gRPC status of its answer
    reason: str = ""  # why it has no prediction: one of predictor.errors.REASONS
    ended: float = 0.0  # time.time() of its answer
    predicted: tuple[Columns, Prediction] | None = None  # until they are counted; None where they are not to be
