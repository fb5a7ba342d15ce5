"""Where predictions are made, and what shares a call."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest

from artifact.prediction import Columns, Prediction, rows
from predictor.worker import Worker, measured

ONE = {"x": np.array([1.0])}


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


async def asked(lane: Worker, tables: list[Columns]) -> list[Prediction | BaseException]:
    """All of them at once."""
    return await asyncio.gather(*(lane.predict(table) for table in tables), return_exceptions=True)


def test_short_on_the_loop_long_off_it() -> None:
    """A prediction shorter than a hand-over is made at once; a longer one leaves the loop free."""
    quick, slow = Slow(0), Slow()
    assert measured(quick, ONE)[0] > 1
    assert measured(slow, ONE)[0] == 0
    asyncio.run(asked(Worker(quick, ONE, batching=False), [ONE]))
    asyncio.run(asked(Worker(slow, ONE, batching=False), [ONE]))
    assert quick.calls[-1] == (1, True)
    assert slow.calls[-1] == (1, False)


def test_what_waits_is_predicted_together() -> None:
    """While one call is made the others wait, then share one; each gets its own rows."""
    slow = Slow()
    lane = Worker(slow, ONE, batching=True)
    slow.calls.clear()
    tables = [{"x": np.arange(size, dtype=float) + 10 * size} for size in (1, 2, 3, 4)]
    answers = asyncio.run(asked(lane, tables))
    assert [call for call, _ in slow.calls] == [1, 9]
    for table, answer in zip(tables, answers, strict=True):
        assert isinstance(answer, Prediction)
        assert answer.values.tolist() == table["x"].tolist()
        assert answer.probabilities is not None
        assert answer.probabilities[:, 1].tolist() == (-table["x"]).tolist()


def test_no_company_where_it_changes_answers() -> None:
    """A model whose answers depend, in the last bit, on the rows beside them predicts each request alone."""
    slow = Slow()
    lane = Worker(slow, ONE, batching=False)
    slow.calls.clear()
    asyncio.run(asked(lane, [ONE] * 3))
    assert [call for call, _ in slow.calls] == [1, 1, 1]


def test_one_bad_request_harms_no_other() -> None:
    """Where the shared call fails, each is predicted alone, and the error goes to whose rows raise it."""
    lane = Worker(Slow(), ONE, batching=True)
    first, bad, good, last = asyncio.run(asked(lane, [ONE, {"x": np.array([-1.0])}, ONE, ONE]))
    assert isinstance(bad, ValueError)
    for answer in (first, good, last):
        assert isinstance(answer, Prediction)


def test_a_client_that_left_is_not_predicted_for() -> None:
    """A request that was given up while it waited costs nothing."""
    slow = Slow()
    lane = Worker(slow, ONE, batching=False)
    slow.calls.clear()

    async def leave() -> None:
        waiting = [asyncio.ensure_future(lane.predict(ONE)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(leave())
    assert len(slow.calls) == 2


@pytest.mark.parametrize("batching", [True, False])
def test_many(batching: bool) -> None:
    """A thousand at once are all answered."""
    lane = Worker(Slow(0.001), ONE, batching=batching)
    answers = asyncio.run(asked(lane, [{"x": np.array([float(number)])} for number in range(1000)]))
    assert [answer.values.tolist() for answer in answers if isinstance(answer, Prediction)] == [
        [float(n)] for n in range(1000)
    ]
