"""Where predictions are made, and what shares a call."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest

from artifact.engines.engine import Fallback
from artifact.prediction import Columns, Prediction, rows
from predictor.errors import NoAnswer
from predictor.serving.batcher import Batcher, measured

ROW = {"x": np.array([1.0])}


class Slow:
    """Answers x after a while, and remembers each call: its rows and its thread."""

    def __init__(self, seconds: float = 0.02) -> None:
        self.seconds = seconds
        self.calls: list[tuple[int, bool]] = []

    def predict(self, columns: Columns) -> Prediction:
        if self.seconds:
            time.sleep(self.seconds)
        self.calls.append((rows(columns), threading.current_thread() is threading.main_thread()))
        if columns["x"][0] < 0:
            raise ValueError("negative")
        return Prediction(columns["x"], np.stack([columns["x"], -columns["x"]], axis=1))


async def predict_all(batcher: Batcher, tables: list[Columns]) -> list[Prediction | BaseException]:
    """All of them at once."""
    return await asyncio.gather(*(batcher.predict(table) for table in tables), return_exceptions=True)


def test_short_on_the_loop_long_off_it() -> None:
    """A prediction shorter than a hand-over is made at once; a longer one leaves the loop free."""
    quick, slow = Slow(0), Slow()
    assert measured(quick, ROW)[0] > 1
    assert measured(slow, ROW)[0] == 0
    asyncio.run(predict_all(Batcher(quick, ROW, batching=False), [ROW]))
    asyncio.run(predict_all(Batcher(slow, ROW, batching=False), [ROW]))
    assert quick.calls[-1] == (1, True)
    assert slow.calls[-1] == (1, False)


def test_what_waits_is_predicted_together() -> None:
    """While one call is made the others wait, then share one; each gets its own rows."""
    slow = Slow()
    batcher = Batcher(slow, ROW, batching=True)
    slow.calls.clear()
    tables = [{"x": np.arange(size, dtype=float) + 10 * size} for size in (1, 2, 3, 4)]
    answers = asyncio.run(predict_all(batcher, tables))
    assert [call for call, _ in slow.calls] == [1, 9]
    for table, answer in zip(tables, answers, strict=True):
        assert isinstance(answer, Prediction)
        assert answer.values.tolist() == table["x"].tolist()
        assert answer.probabilities is not None
        assert answer.probabilities[:, 1].tolist() == (-table["x"]).tolist()


def test_no_company_where_it_changes_answers() -> None:
    """A model whose answers depend, in the last bit, on the rows beside them predicts each request alone."""
    slow = Slow()
    batcher = Batcher(slow, ROW, batching=False)
    slow.calls.clear()
    asyncio.run(predict_all(batcher, [ROW] * 3))
    assert [call for call, _ in slow.calls] == [1, 1, 1]


class Picky(Slow):
    """As Slow, but it raises wherever a number is negative, and answers infinity for 0."""

    def predict(self, columns: Columns) -> Prediction:
        if (columns["x"] < 0).any():
            self.calls.append((rows(columns), threading.current_thread() is threading.main_thread()))
            raise ValueError("negative")
        return super().predict({"x": np.where(columns["x"] == 0, np.inf, columns["x"])})


@pytest.mark.parametrize("batching", [True, False])
@pytest.mark.parametrize("seconds", [0, 0.02], ids=["on the loop", "off it"])
@pytest.mark.parametrize("bad", [-1.0, 0.0], ids=["raises", "not finite"])
def test_one_bad_request_harms_no_other(bad: float, seconds: float, batching: bool) -> None:
    """A row without an answer is named, counted from 0, in the request that has it; the others have theirs."""
    batcher = Batcher(Picky(seconds), ROW, batching=batching)
    tables = [ROW, {"x": np.array([3.0, 4.0, bad, 5.0, bad])}, ROW, {"x": np.array([bad])}, {"x": np.array([6.0, 7.0])}]
    first, second, third, fourth, fifth = asyncio.run(predict_all(batcher, tables))
    for error, named in ((second, "row 2: "), (fourth, "row 0: ")):
        assert isinstance(error, NoAnswer)
        assert str(error).startswith(named)
        assert error.__context__ is None, "nothing holds the frames of what was raised"
    for answer, table in ((first, ROW), (third, ROW), (fifth, tables[-1])):
        assert isinstance(answer, Prediction)
        assert answer.values.tolist() == table["x"].tolist()


def test_what_fails_on_every_row_is_not_the_callers_fault() -> None:
    """A model that raises for rows it has answered before raises as it is: that is a 500."""
    picky = Picky(0)
    batcher = Batcher(picky, ROW, batching=True)
    ours = {"x": np.array([1.0])}
    picky.predict = lambda columns: 1 / 0  # type: ignore[assignment]
    (error,) = asyncio.run(predict_all(batcher, [ours]))
    assert isinstance(error, ZeroDivisionError)


@pytest.mark.parametrize("at", [0, 511, 700, -1])
def test_the_row_is_looked_for_in_proportion_to_the_rows(at: int) -> None:
    """At most four times the rows are predicted, in calls as few as a search by halves makes, off the event loop."""
    for size in (1024, 4096):
        picky = Picky(0)
        batcher = Batcher(picky, ROW, batching=False)
        batcher.short_rows = size
        picky.calls.clear()
        values = np.ones(size)
        values[at] = -1
        (error,) = asyncio.run(predict_all(batcher, [{"x": values}]))
        assert str(error).startswith(f"row {at % size}: ")
        assert sum(count for count, _ in picky.calls) <= 4 * size + 1
        assert len(picky.calls) <= 2 * np.log2(size) + 4
        assert [on_loop for _, on_loop in picky.calls[1:]] == [False] * (len(picky.calls) - 1)


def test_a_client_that_left_is_not_predicted_for() -> None:
    """A request that was given up while it waited costs nothing."""
    slow = Slow()
    batcher = Batcher(slow, ROW, batching=False)
    slow.calls.clear()

    async def leave() -> None:
        waiting = [asyncio.ensure_future(batcher.predict(ROW)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(leave())
    assert len(slow.calls) == 2


@pytest.mark.parametrize("batching", [True, False])
def test_many(batching: bool) -> None:
    """A thousand at once are all answered."""
    batcher = Batcher(Slow(0.001), ROW, batching=batching)
    answers = asyncio.run(predict_all(batcher, [{"x": np.array([float(number)])} for number in range(1000)]))
    assert [answer.values.tolist() for answer in answers if isinstance(answer, Prediction)] == [
        [float(n)] for n in range(1000)
    ]


class Gaps(Slow):
    """As Slow, without an answer for numbers above 8."""

    def predict(self, columns: Columns) -> Prediction:
        answer = super().predict(columns)
        return Prediction(np.where(columns["x"] > 8, np.nan, answer.values), None)


def test_the_second_runner_is_not_for_the_loop() -> None:
    """Rows that the first runner cannot answer are answered by the second one, which never runs on the event loop."""
    first, second = Gaps(0), Slow(0)
    batcher = Batcher(Fallback(first, second), ROW, batching=True, quick=first)
    (answer,) = asyncio.run(predict_all(batcher, [{"x": np.array([1.0, 9.0])}]))
    assert isinstance(answer, Prediction)
    assert answer.values.tolist() == [1.0, 9.0]
    assert second.calls == [(1, False)]
    good, gap = batcher.at_once([ROW, {"x": np.array([9.0])}])
    assert isinstance(good, Prediction)
    assert isinstance(gap, NoAnswer)
    assert second.calls == [(1, False)]


def test_failing_calls_on_the_loop_end() -> None:
    """A shared call that fails on the event loop is halved, but not for long; what failed then is left for later."""

    class Failing(Slow):
        def predict(self, columns: Columns) -> Prediction:
            end = time.thread_time() + 0.005 * (columns["x"][0] < 0)
            while time.thread_time() < end:
                pass
            return super().predict(columns)

    quick = Slow(0)
    bad, *others = Batcher(quick, ROW, batching=True).at_once([{"x": np.array([-1.0])}, ROW, ROW, ROW])
    assert [type(bad), *map(type, others)] == [ValueError, Prediction, Prediction, Prediction]
    slow = Failing(0)
    batcher = Batcher(slow, ROW, batching=True)
    slow.calls.clear()
    results = batcher.at_once([{"x": np.array([-1.0])}] * 64)
    assert [type(result) for result in results] == [ValueError] * 64
    assert len(slow.calls) == 1
