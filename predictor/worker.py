"""Where predictions are made: on the event loop when that is shorter than handing over, else in one worker thread.

While the worker predicts, what arrives waits; when it is done, it takes all that waits in one call, if the answers for
a row do not depend on the rows beside it. Nothing waits for company: an idle worker starts at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from artifact import unanswered
from artifact.prediction import Columns, Prediction, Runner, rows
from predictor.errors import NoAnswer

_SHORT = 500e-6  # seconds: a hand-over to a thread and back costs a tenth of this, and health answers wait no longer
_MOST_ROWS = 1024  # of one shared call


@dataclass(frozen=True)
class _Waiting:
    columns: Columns
    rows: int
    answer: asyncio.Future[Prediction]


class Worker:
    """Predictions of one runner, in order of arrival.

    `short_rows` are predicted on the event loop at most; `shared_rows` in one call of several requests there.
    """

    def __init__(self, runner: Runner, sample: Columns, *, batching: bool) -> None:
        self._runner = runner
        self._sample = sample
        self._most_rows = _MOST_ROWS if batching else 0
        self.short_rows = short_rows(runner, sample)
        self.shared_rows = min(self.short_rows, self._most_rows)
        self._waiting: deque[_Waiting] = deque()
        self._worker = ThreadPoolExecutor(1, "predict")
        self._busy = False

    async def predict(self, columns: Columns) -> Prediction:
        """The answers for `columns`. NoAnswer names the first row without a finite one.

        What the model raises for rows that it has answered before is raised as it is: no caller is to blame for that.
        """
        try:
            if rows(columns) <= self.short_rows:
                return _finite(self._runner.predict(columns))
            return await self.submit(columns)
        except Exception as error:
            if isinstance(error, NoAnswer | MemoryError):
                raise
            # The search for the row predicts several times, which is too long for the event loop.
            row = await asyncio.get_running_loop().run_in_executor(self._worker, self._row_that_fails, columns)
            if row is None:
                raise
        # Here, and not above: the frames of what the model raised hold all columns.
        raise NoAnswer(row, unanswered.FAILS)

    def submit(self, columns: Columns) -> asyncio.Future[Prediction]:
        """As `predict`, in the worker thread."""
        answer: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(columns, rows(columns), answer))
        if not self._busy:
            self._next()
        return answer

    def at_once(self, tables: Sequence[Columns]) -> list[Prediction | Exception]:
        """The answers for each of `tables`, here and now, in one call if they are several.

        Where one has no answer, its place holds the exception and the others have theirs all the same.
        """
        together = tables[0]
        if len(tables) > 1:
            together = {name: np.concatenate([table[name] for table in tables]) for name in together}
        try:
            prediction = self._runner.predict(together)
        except Exception as error:
            if len(tables) == 1:
                return [error]
            # Halves, not one by one: a single table that fails costs the others few more calls.
            middle = len(tables) // 2
            return [*self.at_once(tables[:middle]), *self.at_once(tables[middle:])]
        ends = accumulate(map(rows, tables))
        parts = [prediction.part(end - rows(table), end) for table, end in zip(tables, ends, strict=True)]
        return [*parts] if prediction.finite().all() else [_finite_or_why(part) for part in parts]

    def _row_that_fails(self, columns: Columns) -> int | None:
        """The first row of `columns` that the model raises for; None where it fails on its own sample as well."""
        if not unanswered.answers(self._runner, self._sample):
            return None
        return next(unanswered.failing(self._runner, columns), None)

    def _next(self) -> None:
        taken: list[_Waiting] = []
        total = 0
        while self._waiting and (not taken or total + self._waiting[0].rows <= self._most_rows):
            waiting = self._waiting.popleft()
            if not waiting.answer.cancelled():
                taken.append(waiting)
                total += waiting.rows
        self._busy = bool(taken)
        if taken:
            tables = [waiting.columns for waiting in taken]
            work = asyncio.get_running_loop().run_in_executor(self._worker, self.at_once, tables)
            work.add_done_callback(lambda done: self._hand_out(taken, done))

    def _hand_out(self, taken: list[_Waiting], done: asyncio.Future[list[Prediction | Exception]]) -> None:
        for waiting, result in zip(taken, done.result(), strict=True):
            if not waiting.answer.cancelled():
                if isinstance(result, Exception):
                    waiting.answer.set_exception(result)
                else:
                    waiting.answer.set_result(result)
        self._next()


def _finite(prediction: Prediction) -> Prediction:
    """`prediction`; NoAnswer for the first row of it that holds a number that is not finite."""
    finite = prediction.finite()
    if not finite.all():
        raise NoAnswer(int(np.argmin(finite)), unanswered.NOT_FINITE)
    return prediction


def _finite_or_why(prediction: Prediction) -> Prediction | Exception:
    try:
        return _finite(prediction)
    except NoAnswer as error:
        return error


def short_rows(runner: Runner, sample: Columns) -> int:
    """How many rows this machine predicts within the time that is not worth a hand-over; 0 for none."""
    one = {name: values[:1] for name, values in sample.items()}
    many = {name: np.resize(values, 256) for name, values in sample.items()}
    single, table = (min(_timed(runner, columns) for _ in range(3)) for columns in (one, many))
    if single > _SHORT:
        return 0
    each = max((table - single) / 255, 1e-9)
    return 1 + int((_SHORT - single) / each)


def _timed(runner: Runner, columns: Columns) -> float:
    started = time.perf_counter()
    runner.predict(columns)
    return time.perf_counter() - started
