"""Which thread works on a request, and when its work is given up."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from artifact import checkpoint
from artifact.prediction import Columns, Prediction, rows
from artifact.validation.validator import Validator
from predictor.errors import Disconnected, NoAnswer, WorkTooLong
from predictor.observe.exchange import Exchange
from predictor.protocols.request import Answer, Served
from predictor.serving.batcher import Batcher
from predictor.serving.lifecycle import Lifecycle
from predictor.serving.steps import LOOP_BYTES, begin
from predictor.settings import Settings
from tests.predictor.conftest import Server, start
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged
from tests.predictor.test_limits import metric
from tests.predictor.test_limits import rows as body_of

LATE = 20.0  # seconds after which something never came


def lifecycle(packaged: dict[str, Packaged], **settings: Any) -> Lifecycle:
    """The lifecycle of requests to the model iris."""
    model = loaded(packaged["iris"])
    return Lifecycle(model, Settings(log_sampling=0, **settings))


def columns(count: int) -> Columns:
    """Rows for the model iris."""
    parts = [f"{part} {side} (cm)" for part in ("sepal", "petal") for side in ("length", "width")]
    return {name: np.full(count, 1.5) for name in parts}


class Question:
    """A request of `rows` rows in all of its forms, which remembers the threads that read and answer it."""

    probabilities = True
    explain = False

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.columns = columns(rows)
        self.threads: list[str] = []
        self.freed = 0

    def decode(self) -> Question:
        """Nothing is left to read."""
        self.threads.append(threading.current_thread().name)
        return self

    def validated(self, validator: Validator, closely: bool) -> Question:
        """It fits."""
        return self

    def free(self) -> None:
        """Counted."""
        self.freed += 1

    def answer(self, served: Served, prediction: Prediction) -> Answer:
        """How many rows were predicted."""
        self.threads.append(threading.current_thread().name)
        return Answer(str(len(prediction.values)).encode())


def exchanged(size: int) -> Exchange:
    """A request with a body of `size` bytes."""
    exchange = begin("v1", None, None)
    exchange.received = size
    return exchange


@pytest.mark.parametrize("size", [100, LOOP_BYTES, LOOP_BYTES + 1, 300_000])
def test_threads(packaged: dict[str, Packaged], size: int) -> None:
    """What is longer than LOOP_BYTES is read and answered off the event loop; what is heavy, in a thread of its own."""
    life, request = lifecycle(packaged), Question(3)
    exchange = exchanged(size)
    assert asyncio.run(life.serve(exchange, request.decode)).body == b"3"
    expected = "MainThread" if size <= LOOP_BYTES else "long_0" if size <= Settings.heavy_bytes else "heavy_0"
    assert request.threads == [expected] * 2
    assert request.freed == (size > LOOP_BYTES)
    life.observers.observe(exchange)
    life.observers.drift.flush()
    assert life.observers.drift.outputs["label"].counts.sum() == 3


def test_long_answers(packaged: dict[str, Packaged]) -> None:
    """A short body whose answer is long is answered off the event loop."""
    life, request = lifecycle(packaged), Question(10_000)
    assert asyncio.run(life.serve(exchanged(100), request.decode)).body == b"10000"
    assert request.threads == ["MainThread", "long_0"]


def endless(begun: threading.Event) -> Callable[[], Question]:
    """Work that nothing ends but a checkpoint."""

    def decode() -> Question:
        begun.set()
        end = time.monotonic() + LATE
        while time.monotonic() < end:
            time.sleep(0.001)
            checkpoint.check()
        raise AssertionError("not given up")

    return decode


@pytest.mark.parametrize("size", [LOOP_BYTES + 1, 300_000])
@pytest.mark.parametrize("how", ["gone", "cancelled", "late"])
def test_given_up(packaged: dict[str, Packaged], size: int, how: str) -> None:
    """Work ends at a checkpoint when its caller left or its time is over, and only then its place is free."""
    life = lifecycle(packaged, work_seconds=0.2 if how == "late" else LATE)
    begun, left = threading.Event(), threading.Event()

    async def ask() -> BaseException | None:
        serving = life.serve(exchanged(size), endless(begun), left.is_set)
        task = asyncio.ensure_future(serving)
        await asyncio.to_thread(begun.wait, LATE)
        if how == "gone":
            left.set()
        elif how == "cancelled":
            task.cancel()
            await asyncio.sleep(0)
            assert life.light.busy + life.heavy.busy == 1
        await asyncio.wait([task])
        assert life.light.busy + life.heavy.busy == 0
        return asyncio.CancelledError() if task.cancelled() else task.exception()

    error = asyncio.run(ask())
    assert type(error) is {"gone": Disconnected, "cancelled": asyncio.CancelledError, "late": WorkTooLong}[how]
    assert how != "late" or str(error) == "the request took more than 0.2 seconds of work; send fewer rows"


class Sums:
    """Answers the sum of each row, and remembers how many rows each call had."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.go = threading.Event()
        self.go.set()

    def predict(self, table: Columns) -> Prediction:
        self.calls.append(rows(table))
        self.go.wait(LATE)
        values = table["x"] * 2
        return Prediction(values, np.stack([values, -values], axis=1))


def test_parts() -> None:
    """A long table is predicted in parts, whose answers come to the same, where company changes none; else in one."""
    table = {"x": np.random.default_rng(1).normal(size=34_567)}
    for batching in (True, False):
        runner = Sums()
        batcher = Batcher(runner, {"x": np.ones(1)}, batching=batching)
        runner.calls.clear()
        answer = asyncio.run(batcher.predict_in_parts(table, lambda: None))
        assert answer.values.tobytes() == (table["x"] * 2).tobytes()
        assert answer.probabilities is not None
        assert answer.probabilities.shape == (34_567, 2)
        assert (sum(runner.calls), len(runner.calls) > 3) == (34_567, batching)


def test_a_row_without_an_answer_in_a_later_part() -> None:
    """The row that a refusal names is counted from the first of the request, in whichever part it is."""

    class Failing(Sums):
        def predict(self, table: Columns) -> Prediction:
            if (table["x"] < 0).any():
                raise ValueError("negative")
            answer = super().predict(table)
            return Prediction(np.where(table["x"] > 8, np.inf, answer.values), None)

    for wrong, why in ((-1.0, "cannot compute"), (9.0, "not a finite number")):
        table = {"x": np.ones(34_567)}
        table["x"][31_234] = wrong
        batcher = Batcher(Failing(), {"x": np.ones(1)}, batching=True)
        with pytest.raises(NoAnswer, match=f"row 31234: .*{why}"):
            asyncio.run(batcher.predict_in_parts(table, lambda: None))


def test_others_between_parts() -> None:
    """A short request that arrives during a long prediction is answered before the next part of it."""
    runner = Sums()
    batcher = Batcher(runner, {"x": np.ones(1)}, batching=True)

    async def ask() -> None:
        runner.calls.clear()
        runner.go.clear()
        long = asyncio.ensure_future(batcher.predict_in_parts({"x": np.ones(100_000)}, lambda: None))
        await asyncio.sleep(0)
        short = batcher.submit({"x": np.ones(7)})
        runner.go.set()
        await asyncio.gather(long, short)

    asyncio.run(ask())
    assert runner.calls[1] == 7


def test_prediction_given_up() -> None:
    """A prediction that nobody waits for ends after the part that is made, and the next caller is answered."""
    runner = Sums()
    batcher = Batcher(runner, {"x": np.ones(1)}, batching=True)
    left = False

    def check() -> None:
        if left:
            raise Disconnected

    async def ask() -> None:
        nonlocal left
        runner.calls.clear()
        runner.go.clear()
        long = asyncio.ensure_future(batcher.predict_in_parts({"x": np.ones(100_000)}, check))
        await asyncio.sleep(0)
        left = True
        with pytest.raises(Disconnected):
            await long
        runner.go.set()
        assert len((await batcher.submit({"x": np.ones(7)})).values) == 7

    asyncio.run(ask())
    assert len(runner.calls) == 2


@pytest.fixture(scope="module")
def hasty(packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor that gives a request 10 ms of work."""
    log = tmp_path_factory.mktemp("hasty") / "log"
    server = start(packaged["iris"], log, PREDICTOR_WORK_SECONDS="0.01", PREDICTOR_ROWS="1000000")
    server.wait()
    yield server
    assert server.stop() == 0
    assert "Traceback" not in log.read_text()


def test_time_over_the_wire(hasty: Server) -> None:
    """A request that takes too long is 413, over gRPC RESOURCE_EXHAUSTED, and counted for its reason."""
    answer = hasty.request("POST", hasty.v1, body_of(400_000), {"content-type": "application/json"})
    assert (answer.status, "more than 0.01 seconds of work; send fewer rows" in answer.checked()) == (413, True)
    raw = pb.ModelInferRequest(model_name="iris", raw_input_contents=[bytes(8 * 400_000)])
    raw.inputs.add(name="input-0", datatype="FP64", shape=[100_000, 4])
    code, details = hasty.call("ModelInfer", raw.SerializeToString())
    assert (code, "send fewer rows" in details) == ("RESOURCE_EXHAUSTED", True)
    assert metric(hasty, 'modelpin_rejects_total{reason="work-slow"}') == 2


def test_leaving_over_the_wire(packaged: dict[str, Packaged], tmp_path: Path) -> None:
    """Clients that leave while their heavy requests are worked on give up the place, over REST and gRPC."""
    limits = {"PREDICTOR_ROWS": "1000000", "PREDICTOR_BODY_BYTES": str(16 << 20), "PREDICTOR_HEAVY_QUEUE": "0"}
    server = start(packaged["iris"], tmp_path / "log", **limits)
    server.wait()
    body = body_of(900_000)
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (server.v1.encode(), len(body))
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=LATE) as connection:
        connection.sendall(head + body)
        until(lambda: metric(server, "modelpin_in_flight") == 1)
    until(lambda: metric(server, "modelpin_in_flight") == 0)
    assert metric(server, 'modelpin_rejects_total{reason="gone"}') == 1
    raw = pb.ModelInferRequest(model_name="iris", raw_input_contents=[bytes(4 * 3_600_000)])
    raw.inputs.add(name="input-0", datatype="FP32", shape=[900_000, 4])
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", [("grpc.max_send_message_length", -1)]) as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer").future(raw.SerializeToString())
        until(lambda: metric(server, "modelpin_in_flight") == 1)
        call.cancel()
    until(lambda: metric(server, "modelpin_in_flight") == 0)
    assert metric(server, 'modelpin_rejects_total{reason="gone"}') == 2
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


def until(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + LATE
    while not so():
        assert time.monotonic() < end
