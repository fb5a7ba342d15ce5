"""Plain calls wait for those that arrive with them, not for others, and are answered together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from artifact.prediction import Columns, Prediction, rows
from predictor.grpc import infer_request
from predictor.grpc.calls import Calls
from predictor.grpc.layouts import Layouts
from predictor.protocols.request import Answer
from predictor.serving.lifecycle import Lifecycle
from predictor.serving.steps import begin
from predictor.settings import Settings
from tests.deadlines import ANSWER_SECONDS
from tests.predictor import corpus_grpc
from tests.predictor.corpus import ROW
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged

MESSAGE = corpus_grpc.request(corpus_grpc.one_input(fp64_contents=ROW)).SerializeToString()


class PlainCalls:
    """Calls of a model, asked on this event loop; `groups` are the sizes of what was predicted together."""

    def __init__(self, packaged: Packaged, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lifecycle = Lifecycle(loaded(packaged), Settings())
        self.calls = Calls(self.lifecycle, Layouts(infer_request.decode))
        self.groups: list[int] = []
        batcher = self.lifecycle.model.batcher
        batcher.short_rows = batcher.shared_rows = 64  # however fast this machine is: no thread predicts
        predict = self.lifecycle.model.predict

        def count_and_predict(columns: Columns) -> Prediction:
            self.groups.append(rows(columns))
            return predict(columns)

        monkeypatch.setattr(self.lifecycle.model, "predict", count_and_predict)

    def ask(self, message: bytes = MESSAGE) -> asyncio.Task[Answer | None]:
        """A call whose message arrives now."""
        exchange = begin("grpc", None, None)
        exchange.received = len(message)
        return asyncio.ensure_future(self.calls.answer(message, exchange))

    def run(self, ask: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `ask`; nothing goes wrong beside it, and afterwards every slot and all memory is given back."""
        failures: list[object] = []

        async def run() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
            await asyncio.wait_for(ask(), ANSWER_SECONDS)

        asyncio.run(run())
        assert failures == []
        assert (self.lifecycle.light.busy, self.lifecycle.buffers.used) == (0, 0)


@pytest.fixture
def plain_calls(packaged: dict[str, Packaged], monkeypatch: pytest.MonkeyPatch) -> PlainCalls:
    """Calls of iris."""
    return PlainCalls(packaged["iris"], monkeypatch)


async def turns(count: int) -> None:
    """As many turns of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns of the event loop count, however long this machine takes for one."""
    monkeypatch.setattr("predictor.grpc.calls._LONGEST", ANSWER_SECONDS)


def test_company(plain_calls: PlainCalls, patience: None) -> None:
    """Messages that arrive a few turns of the event loop apart are predicted in one call, and each has its answer."""

    async def ask() -> None:
        tasks = []
        for pause in (2, 5, 5, 5):
            tasks.append(plain_calls.ask())
            await turns(pause)
        answers = await asyncio.gather(*tasks)
        assert all(answer is not None and b"setosa" in answer.body for answer in answers)
        assert plain_calls.groups == [4]

    plain_calls.run(ask)


def test_alone(plain_calls: PlainCalls, patience: None) -> None:
    """A message that comes by itself is answered after a few turns."""

    async def ask() -> None:
        task = plain_calls.ask()
        await turns(6)
        assert task.done()

    plain_calls.run(ask)


def test_long_turns(plain_calls: PlainCalls) -> None:
    """Where the turns of the event loop are long, nobody waits many of them, however many others arrive."""

    async def ask() -> None:
        tasks = [plain_calls.ask(), plain_calls.ask()]
        for _ in range(6):
            time.sleep(0.002)  # what else the event loop has to do
            await turns(1)
            tasks.append(plain_calls.ask())
        assert tasks[0].done()
        await asyncio.gather(*tasks)

    plain_calls.run(ask)


def test_one_is_wrong(plain_calls: PlainCalls) -> None:
    """A message that is wrong is left to the way of every other request, those beside it are answered."""

    async def ask() -> None:
        wrong = corpus_grpc.request(corpus_grpc.one_input(fp64_contents=[1.0])).SerializeToString()
        right, left, broken = await asyncio.gather(plain_calls.ask(), plain_calls.ask(wrong), plain_calls.ask(b"\xff"))
        assert right is not None
        assert left is broken is None

    plain_calls.run(ask)


def test_a_caller_that_leaves(plain_calls: PlainCalls) -> None:
    """A call that is cancelled while its message waits frees its slot, those beside it are answered."""

    async def ask() -> None:
        staying, leaving = plain_calls.ask(), plain_calls.ask()
        await turns(1)
        leaving.cancel()
        assert await staying is not None
        with pytest.raises(asyncio.CancelledError):
            await leaving

    plain_calls.run(ask)


def test_no_slot(plain_calls: PlainCalls) -> None:
    """While all slots are taken, or the predictor is about to end, a message goes the way of every other request."""

    async def ask() -> None:
        while plain_calls.lifecycle.light.try_acquire():
            pass
        assert await plain_calls.ask() is None
        plain_calls.lifecycle.light.busy = 0
        plain_calls.lifecycle.draining.set()
        assert await plain_calls.ask() is None

    plain_calls.run(ask)
