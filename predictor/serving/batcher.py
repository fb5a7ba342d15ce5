"""Calls the model: on the event loop where that is quicker than to hand the rows over to a thread, else in a thread.

Requests that arrive while the one worker thread predicts wait; it then predicts all of them in one call, if the answer
for a row does not depend on the rows beside it. When the thread is idle it starts at once: no request waits for others
to come.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from artifact.engines import unanswered
from artifact.prediction import Columns, Prediction, Runner, joined, rows, together
from predictor.errors import NoAnswer

_SHORT = 500e-6  # seconds: a hand-over to a thread and back costs a tenth of this, and health answers wait no longer
_LONGEST = 2e-3  # seconds of CPU for calls on the event loop of which some fail
_MOST_ROWS = 1024  # of one shared call in the thread
_MOST_SHORT_ROWS = 8192  # of one on the event loop, where all that share it together take no longer than one may alone
_PART, _PART_ROWS = 0.1, 10_000  # seconds and rows of one part of a long table, whichever is less
_LOOK = 0.25  # seconds between two looks at whether an answer is still wanted


@dataclass(frozen=True)
class _Waiting:
    columns: Columns
    rows: int
    answer: asyncio.Future[Prediction]


class Batcher:
    """Predictions of one runner, in order of arrival.

    `short_rows`: the most rows that are predicted on the event loop, by `quick`. `shared_rows`: the most rows of
    several requests in one such call.
    """

    def __init__(self, runner: Runner, sample: Columns, *, batching: bool, quick: Runner | None = None) -> None:
        """`sample` is predicted a few times, to measure how long the runner takes. `quick` predicts on the event loop
        in place of `runner`, which then answers, in the thread, the rows for which `quick` has no finite answer.
        """
        self._runner = runner
        self.quick = quick or runner
        self._sample = sample
        self._most_rows = _MOST_ROWS if batching else 0
        self.short_rows, each = measured(self.quick, sample)
        self._part_rows = min(_PART_ROWS, max(1, int(_PART / each))) if batching else 0
        self.shared_rows = min(self.short_rows, _MOST_SHORT_ROWS) if batching else 0
        self._waiting: deque[_Waiting] = deque()
        self._worker = ThreadPoolExecutor(1, "predict")
        self._busy = False

    async def predict(self, columns: Columns) -> Prediction:
        """The answers for `columns`. NoAnswer names the first row without a finite one.

        An exception of the model is raised as it is where the model raises for its own sample rows as well: then the
        fault is not the caller's.
        """
        try:
            if rows(columns) <= self.short_rows:
                prediction = self.quick.predict(columns)
                if self.quick is self._runner or prediction.all_finite:
                    return _finite(prediction)
            return await self.submit(columns)
        except Exception as error:
            failure = await self._explained(columns, error)
        raise failure

    async def predict_in_parts(self, columns: Columns, check: Callable[[], None]) -> Prediction:
        """As `predict`, in the worker thread, for a table of any length: others are predicted between two parts of it.

        `check`, called between two parts and meanwhile, raises where the answer is no longer wanted. A model whose
        answers depend on the rows beside them predicts all of them in one part.
        """
        count = rows(columns)
        step = self._part_rows or count
        parts: list[Prediction] = []
        for start in range(0, count, step):
            part = {name: values[start : start + step] for name, values in columns.items()} if step < count else columns
            check()
            try:
                parts.append(await self._in_the_thread(part, check))
            except NoAnswer as error:
                raise NoAnswer(start + error.row, error.why) from None
        return together(parts)

    async def _in_the_thread(self, columns: Columns, check: Callable[[], None]) -> Prediction:
        answer = self.submit(columns)
        try:
            while not (await asyncio.wait([answer], timeout=_LOOK))[0]:
                check()
        except BaseException:
            answer.cancel()
            raise
        try:
            return answer.result()
        except Exception as error:
            failure = await self._explained(columns, error)
        raise failure

    async def _explained(self, columns: Columns, error: Exception) -> Exception:
        """NoAnswer where a row is to blame for what the model raised, else `error`."""
        if isinstance(error, NoAnswer | MemoryError):
            return error
        # The search for the row predicts several times, which is too long for the event loop.
        row = await asyncio.get_running_loop().run_in_executor(self._worker, self._row_that_fails, columns)
        # The frames of what the model raised hold all columns: it is not the cause of what the caller is told.
        return error if row is None else NoAnswer(row, unanswered.FAILS)

    def submit(self, columns: Columns) -> asyncio.Future[Prediction]:
        """As `predict`, in the worker thread."""
        answer: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(columns, rows(columns), answer))
        if not self._busy:
            self._next()
        return answer

    def at_once(self, tables: Sequence[Columns]) -> list[Prediction | Exception]:
        """The answers for each of `tables`, here and now, in one call; for the event loop, and short tables.

        Where a table has no answer now, an exception stands in the list instead: `predict` finds its answer, or why
        not.
        """
        return _for_each(self.quick, tables, time.thread_time() + _LONGEST)

    def _row_that_fails(self, columns: Columns) -> int | None:
        """The first row of `columns` that the model raises for; None where it fails on its own sample as well."""
        if not unanswered.answers(self._runner, self._sample):
            return None
        return next(unanswered.failing(self._runner, columns), None)

    def _next(self) -> None:
        group: list[_Waiting] = []
        total = 0
        while self._waiting and (not group or total + self._waiting[0].rows <= self._most_rows):
            waiting = self._waiting.popleft()
            if not waiting.answer.cancelled():
                group.append(waiting)
                total += waiting.rows
        self._busy = bool(group)
        if group:
            tables = [waiting.columns for waiting in group]
            work = asyncio.get_running_loop().run_in_executor(self._worker, _for_each, self._runner, tables)
            work.add_done_callback(lambda done: self._hand_out(group, done))

    def _hand_out(self, group: list[_Waiting], done: asyncio.Future[list[Prediction | Exception]]) -> None:
        for waiting, result in zip(group, done.result(), strict=True):
            if not waiting.answer.cancelled():
                if isinstance(result, Exception):
                    waiting.answer.set_exception(result)
                else:
                    waiting.answer.set_result(result)
        self._next()


def _for_each(runner: Runner, tables: Sequence[Columns], end: float = math.inf) -> list[Prediction | Exception]:
    """The answers for each of `tables`, by one call if none fails; for a table that fails, its exception.

    After `end`, in seconds of this thread's CPU time, nothing that failed is tried again.
    """
    try:
        return _answers(runner, tables)
    except Exception as error:
        if len(tables) == 1 or time.thread_time() > end:
            return [error] * len(tables)
        # Halves, not one by one: a single table that fails costs the others few more calls.
        middle = len(tables) // 2
        return [*_for_each(runner, tables[:middle], end), *_for_each(runner, tables[middle:], end)]


def _answers(runner: Runner, tables: Sequence[Columns]) -> list[Prediction | Exception]:
    """The answers for each of `tables` by one call, NoAnswer for a table without; raises what `runner` raises."""
    prediction = runner.predict(joined(tables))
    parts = prediction.parts([rows(table) for table in tables])
    return [*parts] if prediction.all_finite else [_finite_or_why(part) for part in parts]


def _finite(prediction: Prediction) -> Prediction:
    """`prediction`; NoAnswer for the first row of it that holds a number that is not finite."""
    if not prediction.all_finite:
        raise NoAnswer(int(np.argmin(prediction.finite())), unanswered.NOT_FINITE)
    return prediction


def _finite_or_why(prediction: Prediction) -> Prediction | Exception:
    try:
        return _finite(prediction)
    except NoAnswer as error:
        return error


def measured(runner: Runner, sample: Columns) -> tuple[int, float]:
    """How many rows this machine predicts in less than `_SHORT` seconds, 0 for none; and the seconds that a row takes
    in a long table.
    """
    first_row = {name: values[:1] for name, values in sample.items()}
    many = {name: np.resize(values, 256) for name, values in sample.items()}
    single, table = (min(_timed(runner, columns) for _ in range(3)) for columns in (first_row, many))
    each = max((table - single) / 255, 1e-9)
    return 0 if single > _SHORT else 1 + int((_SHORT - single) / each), each


def _timed(runner: Runner, columns: Columns) -> float:
    started = time.perf_counter()
    runner.predict(columns)
    return time.perf_counter() - started
