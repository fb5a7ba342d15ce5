"""`python -m bench.growth`: how cost and memory grow with rows, features, connections, and the size of a model.

Rows of one request up to what a body may hold, and beyond that rows of a table that is scored; features of one row;
connections that ask at once; trees, and their depth. On logarithmic axes a slope of 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from artifact.command import run
from artifact.errors import ConfigurationError
from bench import cores, environments, growth_plot, load, usage
from bench.curves import Curve, Point
from bench.examples import numbers
from bench.kinds import KINDS, Kind
from bench.package import Packaged, package
from bench.peers import PEERS, Site
from bench.server import Server

_DEPTH, _TREES = 8, 100
_SECONDS = 10.0  # on the clock, at most, for one point
_EVERY = 0.02  # seconds between two looks at memory


class Growth:
    """One run: `quick` measures fewer numbers, and each for less CPU time."""

    def __init__(self, site: Site, quick: bool) -> None:
        self.site, self.quick = site, quick
        self._cpu = 0.1 if quick else 0.5  # seconds that one point takes of the server
        self._cores = cores.choose()
        self._models: dict[str, Packaged] = {}

    def rows_of_json(self) -> Curve:
        """A request of v1."""
        return self._rows("v1", "v1 JSON, 4 features")

    def rows_of_binary(self) -> Curve:
        """A request of v2 with binary tensors."""
        return self._rows("binary", "v2 binary, 4 features")

    def rows_scored(self) -> Curve:
        """A table of Parquet through `python -m scoring`, with its start."""
        model = self._logistic(4)
        points = [self._scored(model, rows) for rows in self._some(1000, 10_000, 100_000, 1_000_000)]
        return Curve("scoring", "rows scored", "Parquet, 4 features", tuple(points))

    def features(self) -> Curve:
        """A request of one row."""
        points = []
        for width in self._some(4, 32, 256, 1000, 5000):
            with self._serving(self._logistic(width)) as server:
                points.append(self._measure(server, KINDS["v1-1"], width))
        return Curve("features", "features", "v1 JSON, 1 row, logistic regression", tuple(points))

    def connections(self) -> Curve:
        """Requests of one row, each connection asking again once it is answered."""
        kind, points, seconds = KINDS["v1-1"], [], 1 if self.quick else 3
        with self._serving(self._logistic(4)) as server:
            for count in self._some(1, 4, 16, 64, 256):
                server.settle()
                before = usage.cpu_seconds(server.pid)
                with _Memory(server.pid) as memory:
                    window = load.wrk(server.request(kind), server.port(kind), count, seconds, self._cores.client)
                if window.failures:
                    raise ConfigurationError(f"{window.failures} requests failed; see {server.log}")
                cpu = (usage.cpu_seconds(server.pid) - before) / window.requests
                points.append(Point(count, cpu, window.p50, memory.most))
        return Curve("connections", "connections", "v1 JSON, 1 row, in a closed loop", tuple(points), waits=True)

    def trees(self) -> Curve:
        """A request of 1,000 rows of binary tensors."""
        points = [self._forest(trees, _DEPTH, trees) for trees in self._some(10, 30, 100, 300, 1000)]
        return Curve("trees", "trees", f"v2 binary, 1,000 rows, forest of depth {_DEPTH}", tuple(points))

    def depth(self) -> Curve:
        """The same."""
        points = [self._forest(_TREES, depth, depth) for depth in self._some(2, 4, 8, 12, 16)]
        return Curve("depth", "depth of the trees", f"v2 binary, 1,000 rows, forest of {_TREES} trees", tuple(points))

    def _some(self, *every: int) -> tuple[int, ...]:
        return every[::2] if self.quick else every

    def _rows(self, protocol: str, of: str) -> Curve:
        model, points = self._logistic(4), []
        with self._serving(model) as server:
            for rows in self._some(1, 10, 100, 1000, 10_000, 100_000):
                server.model = _repeated(model, rows)
                points.append(self._measure(server, Kind(f"{protocol}-{rows}", protocol, rows, of), rows))
        return Curve(f"rows {protocol}", "rows of a request", of, tuple(points))

    def _logistic(self, width: int) -> Packaged:
        return self._package(f"logistic-{width}", width, LogisticRegression(max_iter=100))

    def _forest(self, trees: int, depth: int, number: int) -> Point:
        # Leaves of one class are fewer in a graph, and deep trees would have them.
        forest = RandomForestClassifier(n_estimators=trees, max_depth=depth, min_samples_leaf=5, random_state=20)
        with self._serving(self._package(f"forest-{trees}-{depth}", 20, forest)) as server:
            return self._measure(server, KINDS["binary-1000"], number)

    def _package(self, name: str, width: int, estimator: Any) -> Packaged:
        if name not in self._models:
            schema, data = numbers(width)
            example = schema, make_pipeline(StandardScaler(), estimator), data
            self._models[name] = package(name, example, self.site.work / "growth")
        return self._models[name]

    def _serving(self, model: Packaged) -> Server:
        server = Server(PEERS["ours"], model, self.site, self._cores.server, "growth")
        server.wait(KINDS["v1-1"])
        return server

    def _measure(self, server: Server, kind: Kind, number: int) -> Point:
        """One request after the other, until they have taken the server enough CPU time to tell."""
        server.check(kind)
        request = server.request(kind)
        server.settle()
        waited, began, before, cpu = list[float](), time.monotonic(), usage.cpu_seconds(server.pid), 0.0
        with _Memory(server.pid) as memory:
            while cpu < self._cpu and time.monotonic() - began < _SECONDS:
                for _ in range(1 + len(waited) // 4):  # looking costs time, too
                    start = time.perf_counter()
                    server.ask(kind, request)
                    waited.append(time.perf_counter() - start)
                cpu = usage.cpu_seconds(server.pid) - before
        return Point(number, cpu / len(waited), sorted(waited)[len(waited) // 2], memory.most)

    def _scored(self, model: Packaged, rows: int) -> Point:
        folder = self.site.work / "growth/scored"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        table = pa.table(_repeated(model, rows).columns).slice(0, rows)
        pyarrow.parquet.write_table(table, folder / "table.parquet")
        command = [sys.executable, "-m", "scoring", "--artifact", str(model.artifact), "--digest", model.digest]
        command += ["--input", str(folder / "table.parquet"), "--output", str(folder / "answers.parquet")]
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=environments.ROOT, stdout=subprocess.DEVNULL)
        with _Memory(process.pid) as memory:
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise ConfigurationError(f"scoring ended with {process.returncode}; what it says stands above")
        shutil.rmtree(folder)
        return Point(rows, used.ru_utime + used.ru_stime, time.monotonic() - began, memory.most)


class _Memory:
    """Looks at the memory of a process and all below it while a `with` statement runs: `most`, in bytes of PSS."""

    def __init__(self, pid: int) -> None:
        self._pid, self.most = pid, 0
        self._end = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Memory:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._looking.join()

    def _look(self) -> None:
        while True:
            with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                self.most = max(self.most, usage.memory(self._pid).pss)
            if self._end.wait(_EVERY):
                return


def _repeated(model: Packaged, rows: int) -> Packaged:
    """The model with at least so many rows to ask about: those of its holdout, over and over."""
    times = -(-rows // len(model.labels))
    columns = {name: values * times for name, values in model.columns.items()}
    return replace(model, columns=columns, labels=model.labels * times)


CURVES: dict[str, Callable[[Growth], Curve]] = {
    "json": Growth.rows_of_json,
    "binary": Growth.rows_of_binary,
    "scoring": Growth.rows_scored,
    "features": Growth.features,
    "connections": Growth.connections,
    "trees": Growth.trees,
    "depth": Growth.depth,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Print the points and slopes, and write growth.md, growth.json and growth.png."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every second number of each curve, in about a minute")
    parser.add_argument("--only", action="append", choices=CURVES, help="this curve; repeatable")
    parser.add_argument("--output", type=Path, default=Path("reports/bench"), help="where the report goes")
    parser.add_argument("--work", type=Path, default=Path(".bench"), help="environments, models and logs")
    options = parser.parse_args(argv)
    environments.clients(("taskset", "wrk"))
    measure(Growth(Site(options.work.resolve(), False), options.quick), options.only or list(CURVES), options.output)


def measure(growth: Growth, names: Sequence[str], output: Path) -> None:
    """Measure the curves with these names, and write the report to the folder `output`."""
    curves = []
    for name in names:
        curves.append(CURVES[name](growth))
        print("\n".join(curves[-1].lines()), flush=True)
    output.mkdir(parents=True, exist_ok=True)
    text = "\n".join(line for curve in curves for line in curve.lines())
    (output / "growth.md").write_text(f"```\n{text}\n```\n", encoding="utf-8")
    values = {"load_average": os.getloadavg()[0], "curves": [curve.to_dict() for curve in curves]}
    (output / "growth.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    growth_plot.draw(curves, output / "growth.png")
    print(f"wrote {output}/growth.md, .json and .png", file=sys.stderr)


if __name__ == "__main__":
    run(main)
