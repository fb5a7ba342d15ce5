"""Choose what an artifact is served by: engines that are proved equal to scikit-learn, each for calls of as many rows
as it is the cheapest for; scikit-learn where none is proved.

Equal means, on every row of `pipeline.engine.probes` that either answers: identical labels, and numbers within a
hundredth of the tolerance of `artifact.tolerance`, so that rows which nobody tried are within all of it. Engines of one
artifact are equal to each other to the bit: which of them answers a row depends on how many others are in the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from artifact.engines.engine import Engine, runner
from artifact.engines.table import MODEL, SKLEARN, TABLE, NotWritten
from artifact.prediction import Columns, Runner, rows
from artifact.signature import Signature
from pipeline.engine import costs, equality
from pipeline.engine.agreement import Agreement
from pipeline.engine.choice import Choice
from pipeline.engine.costs import Cost
from pipeline.engine.probes import Probes
from pipeline.shared.stored_columns import beginning

_SINGLE = 64  # rows predicted one by one and together, to see whether company changes an answer


def choose(model: bytes, fitted: Any, signature: Signature, *, train: Columns, holdout: Columns) -> Choice:
    """The cheapest engines that are proved equal; `model` are the bytes of `fitted`, tables are [rows] a feature."""
    proofs = _Proofs(model, fitted, signature, train, holdout)
    prices = _prices(fitted)
    plan: list[tuple[str, int | None]] = []
    while prices:
        plan = costs.plan(prices)
        failed = next((name for name, _ in plan if not proofs.holds(name)), None)
        if failed is None:
            break
        del prices[failed]
    if not prices:
        plan = [(SKLEARN, None)]
    engines = tuple(Engine(name, _batch_invariant(proofs.runners[name], holdout), most) for name, most in plan)
    files = {path: data for name, _ in plan for path, data in proofs.files[name].items()}
    return Choice(engines, files, proofs.agreements, proofs.refusals)


def _prices(fitted: Any) -> dict[str, Cost]:
    """What each engine costs that has a form of this model, as far as that is known without writing it."""
    writers = {name: import_module(row.writer) for name, row in TABLE.items() if row.writer is not None}
    prices: dict[str, Cost | None] = {name: writer.cost(fitted) for name, writer in writers.items()}
    return {name: cost for name, cost in prices.items() if cost is not None}


class _Proofs:
    """The engines that were tried: runners, files, how far they agree with scikit-learn, and why some do not serve."""

    def __init__(self, model: bytes, fitted: Any, signature: Signature, train: Columns, holdout: Columns) -> None:
        self._model, self._fitted, self._signature = model, fitted, signature
        self._train, self._holdout = train, holdout
        self.files: dict[str, Mapping[str, bytes]] = {SKLEARN: {}}
        self.runners: dict[str, Runner] = {SKLEARN: runner(SKLEARN, {MODEL: model}, signature)}
        self.agreements: dict[str, Agreement] = {}
        self.refusals: dict[str, str] = {}
        self._first: str | None = None  # the engine that was proved first

    @cached_property
    def _probes(self) -> Probes:
        return Probes.of(self._signature, self._fitted, self._train, self._holdout)

    def holds(self, name: str) -> bool:
        """Whether the engine is proved; its files are written and its rows compared when it is first asked about."""
        if name not in self.files:
            try:
                self.files[name] = import_module(str(TABLE[name].writer)).write(
                    self._model, self._fitted, self._signature
                )
                self.runners[name] = runner(name, {MODEL: self._model, **self.files[name]}, self._signature)
                self._compare(name)
            except NotWritten as error:
                self.refusals[name] = str(error)
            except Exception as error:
                # A model may raise what it likes on rows that its schema lets in: scikit-learn serves it, and raises.
                self.refusals[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            self.files.setdefault(name, {})
        return name not in self.refusals

    def _compare(self, name: str) -> None:
        """With scikit-learn; where another engine is proved already, with that one, to the bit."""
        if self._first is None:
            exact = self.runners[SKLEARN]
            agreement = equality.compare(self._signature, exact, self.runners[name], self._probes)
            if agreement.problem is not None:
                self.refusals[name] = agreement.problem
            else:
                self._first = name
        else:
            first, second = self.runners[self._first], self.runners[name]
            if not all(_same(first, second, lot) for lot in self._probes.lots()):
                self.refusals[name] = f"its answers are not to the bit those of {self._first}"
            agreement = self.agreements[self._first]
        self.agreements[name] = agreement


def _same(runner: Runner, candidate: Runner, table: Columns) -> bool:
    """Whether the same rows of `table` have a finite answer, and the same one to the bit."""
    with np.errstate(all="ignore"):  # extremes overflow, as they may
        first, second = runner.predict(table), candidate.predict(table)
    finite = first.finite()
    return bool(np.array_equal(finite, second.finite()) and first.take(finite).equals(second.take(finite)))


def _batch_invariant(engine: Runner, holdout: Columns) -> bool:
    few = beginning(holdout, _SINGLE)
    together = engine.predict(few)
    for size in (1, 7):
        for start in range(0, rows(few), size):
            alone = engine.predict({name: values[start : start + size] for name, values in few.items()})
            if not alone.equals(together.part(start, start + size)):
                return False
    return True
