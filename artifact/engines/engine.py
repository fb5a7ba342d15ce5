"""Engines: what turns columns into predictions. A manifest names them, and `serving` is the only place that reads it.

Nothing is imported before it is known to be needed: a model that ONNX Runtime serves starts without scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from artifact.decision import Decided, Decision
from artifact.engines.table import MODEL, SKLEARN, TABLE, EngineRunner
from artifact.errors import IncompatibleError
from artifact.prediction import Columns, Prediction, Runner, rows
from artifact.signature import Signature


@dataclass(frozen=True)
class Engine:
    """An engine of an artifact.

    `batching`: to the bit, the answer for a row does not depend on the rows that are predicted with it, so that
    concurrent requests may share one call. `most_rows`: of one call; None where there is no limit.
    """

    name: str
    batching: bool
    most_rows: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form in the manifest."""
        return {"name": self.name, "batching": self.batching, "most_rows": self.most_rows}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Engine:
        """Read the JSON form; TypeError or KeyError for anything else."""
        if not isinstance(value, dict) or value.keys() - {"most_rows"} != {"name", "batching"}:
            raise TypeError(f"an engine is {value!r:.80}, not a name, whether it batches, and its most rows")
        most = value.get("most_rows")
        whole = most is None or (type(most) is int and most > 0)
        if not isinstance(value["name"], str) or not isinstance(value["batching"], bool) or not whole:
            raise TypeError(f"an engine is {value!r:.80}, not a name, whether it batches, and its most rows")
        return cls(value["name"], value["batching"], most)


def check(engines: Sequence[Engine]) -> None:
    """ValueError unless each engine takes more rows than the one before, and the last takes any number."""
    limits = [engine.most_rows for engine in engines]
    before = 0
    for most in limits[:-1]:
        if most is None or most <= before:
            raise ValueError("'engines' are not ordered by the rows they are for")
        before = most
    if not limits or limits[-1] is not None:
        raise ValueError("the last of 'engines' is not for any number of rows")


def files(engine: str) -> tuple[str, ...]:
    """The files of an artifact that this engine serves from; the fitted Pipeline is always among them."""
    return (MODEL, *TABLE[engine].files) if engine in TABLE else (MODEL,)


def libraries(engine: str) -> tuple[str, ...]:
    """The distributions beside scikit-learn's that compute what this engine answers."""
    return TABLE[engine].libraries if engine in TABLE else ()


def serving(
    engines: Sequence[Engine], files: Mapping[str, bytes], signature: Signature, decision: Decision | None
) -> Runner:
    """The runner of an artifact: of each call by the engine that is for as many rows."""
    runners = [runner(engine.name, files, signature, decision) for engine in engines]
    limits = [engine.most_rows for engine in engines]
    return runners[0] if len(runners) == 1 else ByRows(tuple(zip(limits, runners, strict=True)))


def runner(engine: str, files: Mapping[str, bytes], signature: Signature, decision: Decision | None = None) -> Runner:
    """The runner of one engine, from the verified bytes of the artifact's files.

    Whatever may answer a row is loaded when this returns; scikit-learn is not where the engine answers alone. Raises
    IncompatibleError (22) for an engine this version does not have, and what deserialising raises.
    """
    if engine not in TABLE:
        raise IncompatibleError(
            f"engine {engine!r} is not one of {', '.join(TABLE)}; serve with the image of its release"
        )
    loaded: EngineRunner = import_module(TABLE[engine].module).load(files, signature)
    first = _decided(loaded, signature, decision)
    return first if loaded.alone else Fallback(first, runner(SKLEARN, files, signature, decision))


def each(runner: Runner) -> Iterator[Runner]:
    """The runners of which any may come to answer any row, each to be proved by itself."""
    if isinstance(runner, ByRows):
        for _, inner in runner.runners:
            yield from each(inner)
    else:
        yield runner
        if isinstance(runner, Fallback):
            yield runner.second


def _decided(runner: Runner, signature: Signature, decision: Decision | None) -> Runner:
    return runner if decision is None else Decided(runner, decision, signature)


@dataclass(frozen=True)
class ByRows:
    """Answers each call by the first of `runners` that is for as many rows; the last is for any number (None)."""

    runners: tuple[tuple[int | None, Runner], ...]

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        count = rows(columns)
        chosen = next(runner for most, runner in self.runners if most is None or count <= most)
        return chosen.predict(columns)


@dataclass(frozen=True)
class Fallback:
    """Answers by `first`, and the rows for which that has no finite answer by `second`."""

    first: Runner
    second: Runner

    def predict(self, columns: Columns) -> Prediction:
        """Predict columns made by artifact.validation."""
        prediction = self.first.predict(columns)
        missing = np.flatnonzero(~prediction.finite())
        if not len(missing):
            return prediction
        others = self.second.predict({name: values[missing] for name, values in columns.items()})
        return prediction.with_rows(missing, others)
