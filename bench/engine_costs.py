"""`python -m bench.engine_costs`: the figures of the fixed rule by which packaging chooses engines for models of trees.

Times each engine on forests and boosters of many shapes, for calls of 1 to 3,000 rows that differ from call to call,
says how much time the rule loses where it chooses wrongly, and searches for prices by which it loses less. The
figures go into `pipeline.engine.conversion` and `pipeline.engine.tree_tables`, and change artifacts that are made then.
"""

from __future__ import annotations

import argparse
import math
import os
import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import ensemble

from artifact.command import run
from artifact.engines.engine import runner
from artifact.engines.table import ONNX, TREES
from artifact.prediction import Columns, Runner
from artifact.signature import Feature, for_model
from pipeline.engine import conversion, costs, estimators, tree_tables

COUNTS = (1, 2, 8, 32, 100, 300, 1000, 3000)  # rows of a call
_WRITERS: dict[str, Any] = {ONNX: conversion, TREES: tree_tables}
_TABLES = 5  # of different rows: a processor foresees the branches of those that it has just seen
_LEAST = 0.05  # seconds of calls that are timed
_FACTORS = (0.5, 0.8, 1.25, 2.0)
_HELPS = 1e-5  # of the mean loss


@dataclass(frozen=True)
class Timed:
    """A model, and for each engine what the rule counts of it and the microseconds of a call by its rows."""

    title: str
    counts: dict[str, costs.Amounts]
    times: dict[str, dict[int, float]]


def models(quick: bool) -> Iterator[tuple[str, Any, int, bool]]:
    """Title, estimator, columns, and whether it answers classes."""
    for columns in (20,) if quick else (4, 20, 100):
        for trees in (30, 100) if quick else (2, 10, 30, 100, 300):
            for depth in (None,) if quick else (5, 9, None):
                forest = ensemble.RandomForestClassifier(trees, max_depth=depth, random_state=0)
                yield f"forest of {trees}, depth {depth}, {columns} columns", forest, columns, True
        for trees in (100,) if quick else (30, 100, 300):
            booster = ensemble.HistGradientBoostingRegressor(max_iter=trees, early_stopping=False)
            yield f"histogram booster of {trees}, {columns} columns", booster, columns, False
            if not quick:
                shallow = ensemble.GradientBoostingRegressor(n_estimators=trees, random_state=0)
                yield f"booster of {trees}, {columns} columns", shallow, columns, False
        if not quick:
            extra = ensemble.ExtraTreesRegressor(50, min_samples_leaf=3, random_state=0)
            yield f"extra trees of 50, {columns} columns", extra, columns, False


def timed(title: str, estimator: Any, columns: int, classes: bool) -> Timed:
    """Fit on 2,000 made-up rows and time the engines."""
    random = np.random.default_rng(0)
    names = [f"x{place}" for place in range(columns)]
    table = random.normal(size=(2000 + _TABLES * COUNTS[-1], columns))
    score = table[:, :4].sum(axis=1) + random.normal(size=len(table))
    target = np.digitize(score, [-1, 1]) if classes else score
    model = estimator.fit(pd.DataFrame(table[:2000], columns=names), target[:2000])
    inputs = tuple(Feature(name, "float64") for name in names)
    task, dtype = ("classification", "int64") if classes else ("regression", "float64")
    signature = for_model(task, inputs, Feature("y", dtype), model)
    data = pickle.dumps(model)
    sample = dict(zip(names, np.ascontiguousarray(table[2000:].T), strict=True))
    counts, times = {}, {}
    for name, writer in _WRITERS.items():
        counts[name] = writer.amounts(estimators.trees_of(model))
        served = runner(name, dict(writer.write(data, model, signature)), signature)
        times[name] = {rows: _microseconds(served, sample, rows) for rows in COUNTS}
    return Timed(title, counts, times)


def _microseconds(served: Runner, table: Columns, rows: int) -> float:
    """The median over calls with different rows, of the CPU time of this process."""
    parts = [{name: values[start : start + rows] for name, values in table.items()} for start in _starts(rows)]
    durations: list[int] = []
    while len(durations) < 3 * len(parts) or sum(durations) < _LEAST * 1e9:
        for part in parts:
            begin = time.process_time_ns()
            served.predict(part)
            durations.append(time.process_time_ns() - begin)
    return float(np.median(durations)) / 1000


def _starts(rows: int) -> range:
    """Where tables of `rows` begin: many where they are short."""
    many = min(_TABLES * COUNTS[-1] // rows, 500)
    return range(0, many * rows, rows)


def searched(prices: Mapping[str, costs.Prices], results: Sequence[Timed]) -> dict[str, costs.Prices]:
    """Prices that lose less, from `prices` on: one at a time is changed by some factor, as long as that helps.

    What is sought is the right choice, not the right microseconds: a fit of these chooses worse.
    """
    best, least = dict(prices), loss(results, prices)
    before = math.inf
    while least < before:
        before = least
        for name, sort, place, factor in _changes(prices):
            changed = [list(price) for price in best[name]]
            changed[sort][place] *= factor
            tried = {**best, name: (changed[0], changed[1])}
            if (now := loss(results, tried)) < least - _HELPS:
                best, least = tried, now
    return best


def _changes(prices: Mapping[str, costs.Prices]) -> Iterator[tuple[str, int, int, float]]:
    for name, sorts in prices.items():
        for sort, each in enumerate(sorts):
            for place in range(len(each)):
                for factor in _FACTORS:
                    yield name, sort, place, factor


def loss(results: Sequence[Timed], prices: Mapping[str, costs.Prices]) -> float:
    """The mean of `losses`."""
    return float(np.mean([ratio for ratio, _ in losses(results, prices)]))


def losses(results: Sequence[Timed], prices: Mapping[str, costs.Prices]) -> list[tuple[float, str]]:
    """For each model and number of rows, the time of the engine that the rule chooses over that of the faster one."""
    lost = []
    for result in results:
        plan = _plan(result, prices)
        for rows in COUNTS:
            name = next(name for name, most in plan if most is None or rows <= most)
            best = min(result.times, key=lambda engine: result.times[engine][rows])
            ratio = result.times[name][rows] / result.times[best][rows]
            lost.append((ratio, f"{result.title}: {rows} rows by {name}, {ratio:.2f} times the time of {best}"))
    return sorted(lost, reverse=True)


def _plan(timing: Timed, prices: Mapping[str, costs.Prices]) -> list[tuple[str, int | None]]:
    return costs.plan({name: costs.Cost.from_prices(prices[name], timing.counts[name]) for name in prices})


def main(argv: Sequence[str] | None = None) -> None:
    """Print every timing, the prices as they are and better ones, and what either loses."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine_costs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three models, in some seconds: to see that it runs")
    options = parser.parse_args(argv)
    os.environ["OMP_NUM_THREADS"] = "1"
    results: list[Timed] = []
    so_far: dict[str, costs.Prices] = {name: writer.PRICES for name, writer in _WRITERS.items()}
    for title, estimator, columns, classes in models(options.quick):
        results.append(timed(title, estimator, columns, classes))
        plan = costs.plan(
            {name: costs.Cost.from_prices(writer.PRICES, results[-1].counts[name]) for name, writer in _WRITERS.items()}
        )
        print(f"{title}: {plan}")
        for name, times in results[-1].times.items():
            print(f"  {name:12}", *(f"{rows}: {microseconds:.0f}" for rows, microseconds in times.items()), flush=True)
    new = searched(so_far, results)
    for name in _WRITERS:
        rounded = [tuple(float(f"{price:.3g}") for price in prices) for prices in new[name]]
        print(f"{name}: PRICES = {rounded[0]}, {rounded[1]}, so far {so_far[name]}")
    for title, prices in (("so far", so_far), ("searched", new)):
        lost = losses(results, prices)
        mean = loss(results, prices)
        print(f"{title}: the engines chosen take {mean:.3f} times the time of the faster ones on the mean; at worst")
        print(*(f"  {text}" for _, text in lost[:5]), sep="\n")


if __name__ == "__main__":
    run(main)
