"""Rows that fit the signature and yet have no finite answer: the model overflows on them, or raises.

The values of such a row are to blame, not the server: callers are refused it by its number, batch scoring rejects it.
"""

from __future__ import annotations

from collections.abc import Iterator

from artifact.prediction import Columns, Runner, rows

NOT_FINITE = "the model's answer is not a finite number; send values nearer to those that it was trained on"
FAILS = "the model cannot compute an answer from these values; send values nearer to those that it was trained on"


def failing(runner: Runner, columns: Columns) -> Iterator[int]:
    """Numbers, from 0 and in order, of the rows that `runner` raises for even when it predicts them alone.

    Halves are predicted, and halved again where they raise: the first row is known after predictions of at most three
    times the rows of `columns`, in twice the logarithm of their number of calls.
    """
    waiting = [(0, rows(columns))]
    while waiting:
        start, end = waiting.pop()
        try:
            runner.predict({name: values[start:end] for name, values in columns.items()})
        except MemoryError:
            raise
        except Exception:
            if end - start == 1:
                yield start
            else:
                middle = (start + end) // 2
                waiting += [(middle, end), (start, middle)]


def answers(runner: Runner, sample: Columns) -> bool:
    """Whether `runner` still answers `sample`, rows that it has answered before: what it fails on is then to blame."""
    try:
        runner.predict({name: values[:1] for name, values in sample.items()})
    except Exception:
        return False
    return True
