"""Init and each stage on a generated table of 10 million rows and 30 columns: time and memory of each.

`python -m bench.scale` works in .bench/scale, and removes its tables when it is done. A smaller table: `--rows 200000`.
The first model has no champion; it is the champion of the second.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from artifact import digest
from artifact.command import run
from artifact.errors import UsageError

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".bench/scale"
ROWS = 10_000_000
_CHUNK = 250_000
_FLOATS = [f"x{number:02d}" for number in range(26)]
_INTS = ["visits", "items"]
_CITIES = np.array("Oslo Bergen Trondheim Stavanger Tromsø Ålesund Bodø Hamar".split(), dtype=object)
_NUMERIC = [*_FLOATS, *_INTS]

ESTIMATORS: dict[str, dict[str, Any]] = {
    "SGDClassifier": {
        "preprocessing": {
            "numeric": {"columns": _NUMERIC, "steps": [{"sklearn.preprocessing.StandardScaler": {}}]},
            "city": {"columns": ["city"], "steps": [{"sklearn.preprocessing.OneHotEncoder": {"sparse_output": False}}]},
        },
        "estimator": "sklearn.linear_model.SGDClassifier",
        "parameters": {"loss": "log_loss", "max_iter": 5, "tol": None, "random_state": 20},
    },
    "HistGradientBoostingClassifier": {
        "preprocessing": {
            "numeric": {"columns": _NUMERIC, "steps": []},
            "city": {"columns": ["city"], "steps": [{"sklearn.preprocessing.OrdinalEncoder": {}}]},
        },
        "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
        "parameters": {"max_iter": 50, "early_stopping": False, "random_state": 20},
    },
}
# For batch scoring alone: a linear model that ONNX Runtime serves, which nobody trains on 10 million rows.
ESTIMATORS["LogisticRegression"] = ESTIMATORS["SGDClassifier"] | {
    "estimator": "sklearn.linear_model.LogisticRegression",
    "parameters": {"random_state": 20},
}
AT_SCALE = ("SGDClassifier", "HistGradientBoostingClassifier")

STAGES = ("init", "inputs", "prepare", "tune", "train", "convert", "evaluate", "package", "measure", "gate")
ONCE = ("init", "prepare")  # both models are trained on the same rows
# What init decides; it writes nothing.
_INIT = """
import tempfile
from pathlib import Path
from starter import init, new_model
options = init.parser().parse_args(["--data", "data/table.parquet", "--target", "bought", "--name", "scale"])
with tempfile.TemporaryDirectory() as scratch:
    source, drafted, survey = new_model.describe(options, Path(scratch))
    new_model.first_model(drafted, survey, source)
"""


@dataclass(frozen=True)
class Cost:
    """What one stage took: seconds on the clock, seconds of processor, and its largest resident memory in bytes."""

    stage: str
    wall: float
    cpu: float
    memory: int


def main(argv: Sequence[str] | None = None) -> None:
    """Print one line a stage, and write .bench/scale/results.json."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--keep", action="store_true", help="keep the tables")
    parser.add_argument("--only", choices=ESTIMATORS, help="one estimator (default: the two for many rows)")
    parser.add_argument("--stages", default=",".join(STAGES), help="which, as a list")
    arguments = parser.parse_args(argv)
    if arguments.rows < 1000:
        raise UsageError(f"--rows is {arguments.rows}; a model of {len(_NUMERIC)} features needs 1000")
    shutil.rmtree(HOME, ignore_errors=True)
    (HOME / "data").mkdir(parents=True)
    for name in ("artifact", "features", "pipeline", "requirements", "starter"):
        (HOME / name).symlink_to(ROOT / name)
    costs: list[Cost] = []
    try:
        table = HOME / "data/table.parquet"
        began = time.monotonic()
        # In a process of its own: what this one holds would count as the memory of those it starts.
        program = (
            f"from pathlib import Path; from bench import scale; scale.generate(Path({str(table)!r}), {arguments.rows})"
        )
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
        print(f"{arguments.rows} rows x 30 columns, {_size(table.stat().st_size)} of Parquet", end="")
        print(f", {_size(arguments.rows * 30 * 8)} in memory; generated in {time.monotonic() - began:.0f} s")
        stages = arguments.stages.split(",")
        _write_champion(None)
        for name in [arguments.only] if arguments.only else AT_SCALE:
            (HOME / "params.yaml").write_text(json.dumps(_params(ESTIMATORS[name])), encoding="utf-8")
            for stage in stages:
                if stage not in ONCE:
                    costs.append(_measure(f"{stage} {name}", _command(stage), HOME))
                elif not any(cost.stage == stage for cost in costs):
                    costs.append(_measure(stage, _command(stage), HOME))
            _make_champion()
        results = {"rows": arguments.rows, "stages": [vars(cost) for cost in costs]}
        (HOME / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    finally:
        if not arguments.keep:
            for name in ("data", "build"):
                shutil.rmtree(HOME / name, ignore_errors=True)


def generate(path: Path, rows: int) -> None:
    """Write the table: 26 floats, 2 whole numbers, a text and a target that 20 of them tell, the same each time."""
    weights = np.random.default_rng(20).normal(size=20)
    writer: Any = None
    for first in range(0, rows, _CHUNK):
        random = np.random.default_rng([20, first])
        count = min(_CHUNK, rows - first)
        floats = random.normal(size=(len(_FLOATS), count))
        columns: dict[str, Any] = dict(zip(_FLOATS, floats, strict=True))
        columns["visits"], columns["items"] = random.poisson(3, count), random.integers(0, 50, count)
        city = random.integers(0, len(_CITIES), count)
        columns["city"] = _CITIES[city]
        score = weights @ floats[:20] + 0.5 * np.square(floats[20]) + city / 4 + random.normal(size=count)
        columns["bought"] = np.where(score > 1, "yes", "no").astype(object)
        part = pa.table(columns)
        writer = writer or pyarrow.parquet.ParquetWriter(path, part.schema)
        writer.write_table(part)
    writer.close()


def _params(train: Mapping[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {name: {"dtype": "float64", "range": [-10, 10]} for name in _FLOATS}
    schema |= {name: {"dtype": "int64"} for name in _INTS}
    schema["city"] = {"dtype": "string", "categories": _CITIES.tolist()}
    schema["bought"] = {"dtype": "string", "categories": ["no", "yes"]}
    return {
        "model": {"name": "scale", "task": "classification"},
        "data": {"path": "data/table.parquet", "target": "bought", "time": None},
        "schema": schema,
        "prepare": {"split": {"method": "stratified", "test_size": 0.3, "seed": 20}},
        "train": train,
        # Each resample of 3 million rows takes a tenth of a second a metric; intervals this narrow need no more.
        "evaluate": {"bootstrap": {"resamples": 20, "confidence": 0.95, "seed": 20}},
        "package": {"golden": 16},
        "gate": {"thresholds": {"accuracy": {"min": 0.5}}},
        "track": {"experiment": "scale"},
    }


def _command(stage: str) -> list[str]:
    return [sys.executable, "-c", _INIT] if stage == "init" else [sys.executable, "-m", "pipeline", stage]


def _make_champion() -> None:
    """The artifact that was packaged, if any, as the champion of the next."""
    artifact = HOME / "build/artifact"
    if artifact.is_dir():
        shutil.rmtree(HOME / "build/champion", ignore_errors=True)
        shutil.copytree(artifact, HOME / "build/champion")
        named = digest.of_file(artifact / "manifest.json")
        _write_champion({"digest": named, "uri": f"s3://bench/models/scale/{named}/"})


def _write_champion(release: Mapping[str, str] | None) -> None:
    environment = None if release is None else "production"
    record = {"schema_version": 1, "model": "scale", "environment": environment, "champion": release, "quarantined": []}
    (HOME / "build").mkdir(exist_ok=True)
    (HOME / "build/champion.json").write_text(json.dumps(record), encoding="utf-8")


def _measure(stage: str, command: Sequence[str], folder: Path) -> Cost:
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UsageError(f"{stage} ended with {process.returncode}; what it says stands above")
    cost = Cost(stage, time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
    print(f"{cost.stage:<42} {cost.wall:7.1f} s  {cost.cpu:7.1f} CPU-s  {_size(cost.memory):>9}", flush=True)
    return cost


def _size(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"


if __name__ == "__main__":
    run(main)
