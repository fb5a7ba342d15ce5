"""Stage measure: how fast the packaged engine answers, beside the champion's on the same machine at the same time.

A report of its own, since no two runs measure the same. Nothing of it is in the artifact.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from artifact import load as artifacts
from artifact.errors import IncompatibleError
from artifact.prediction import Columns, Runner
from pipeline.gate.champion import Champion
from pipeline.params.params import load
from pipeline.shared import json_file, paths
from pipeline.shared.stored_columns import StoredColumns, beginning

_ROUNDS = 20  # each model in turn, so that whatever else the machine does slows both
_CALLS = 50  # a round, of one row
_SECONDS = 0.1  # a round at most
_BATCH = 1000  # rows of one call, for the rate
_BATCHES = 3  # a round


def main(argv: Sequence[str] | None = None) -> None:
    """Write reports/latency.json."""
    argparse.ArgumentParser(prog="python -m pipeline measure", description=__doc__).parse_args(argv)
    params = load()
    champion = Champion.read()
    challenger = artifacts.load(paths.ARTIFACT, expected_digest=None, name=params.model.name, allow_unpinned=True)
    runners = {"challenger": challenger.runner}
    if champion.digest not in (None, challenger.digest):
        try:
            loaded = artifacts.deserialise(champion.verify())
            if loaded.signature.inputs == challenger.signature.inputs:
                runners["champion"] = loaded.runner
        except IncompatibleError as error:
            print(f"the champion is not measured: {error}")
    holdout = beginning(StoredColumns(paths.TEST, params), _BATCH)
    sides = measured(runners, holdout)
    latency = {"model_digest": challenger.digest, "champion_digest": champion.digest, **sides}
    json_file.write(paths.LATENCY, latency)
    for name, times in sides.items():
        print(
            f"{name}: one row {times['p50_ms']:.3g} ms (p50), {times['p99_ms']:.3g} ms (p99); "
            f"{times['rows_per_second']:.0f} rows/s"
        )


def measured(runners: Mapping[str, Runner], holdout: Columns) -> dict[str, dict[str, float]]:
    """For each of `runners`: milliseconds for one row (p50, p99), and rows a second in calls of up to _BATCH rows."""
    present = len(next(iter(holdout.values())))
    one_row = [{name: values[row : row + 1] for name, values in holdout.items()} for row in range(min(present, _CALLS))]
    places = np.arange(_BATCH) % present
    batch = {name: values[places] for name, values in holdout.items()}
    single: dict[str, list[float]] = {name: [] for name in runners}
    rate: dict[str, list[float]] = {name: [] for name in runners}
    for runner in runners.values():
        runner.predict(one_row[0])
    for _ in range(_ROUNDS):
        for name, runner in runners.items():
            single[name] += _timed(runner, one_row, _CALLS)
            rate[name] += [_BATCH / seconds for seconds in _timed(runner, [batch], _BATCHES)]
    return {
        name: {
            "p50_ms": 1000 * float(np.quantile(single[name], 0.5)),
            "p99_ms": 1000 * float(np.quantile(single[name], 0.99)),
            "rows_per_second": float(np.median(rate[name])),
        }
        for name in runners
    }


def _timed(runner: Runner, tables: Sequence[dict[str, Any]], calls: int) -> list[float]:
    """Seconds of each of up to `calls` calls, at least one, within about _SECONDS."""
    seconds: list[float] = []
    for call in range(calls):
        start = time.perf_counter()
        runner.predict(tables[call % len(tables)])
        seconds.append(time.perf_counter() - start)
        if sum(seconds) > _SECONDS:
            break
    return seconds
