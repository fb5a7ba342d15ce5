"""Batch scoring beside the programs that a person would write: the same model, the same rows, in the same run.

`python -m bench.scoring` trains small models of `bench.scale`, generates a table of 10 million rows x 30 columns, and
scores it with `python -m scoring`, with a plain loop of pandas (read, predict, write), with polars and ONNX Runtime
where the artifact has a graph, and with two local Dask workers. `--csv`: the table is a CSV, and there is no polars.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet

from artifact import digest, manifest
from artifact.command import run
from artifact.engines.table import GRAPH
from artifact.errors import UsageError
from bench import cluster, environments, scale

HOME = scale.ROOT / ".bench/scoring"
_TRAINED_ON = 50_000
# What stands in many a repository: no validation, no verification, no way back after a kill.
PLAIN = """
import sys, joblib, pandas as pd, pyarrow as pa, pyarrow.parquet as pq
model, source, target = sys.argv[1:]
model, writer = joblib.load(model), None
csv = source.endswith(".csv")
batches = pd.read_csv(source, chunksize=65536) if csv else pq.ParquetFile(source).iter_batches(65536)
for batch in batches:
    frame = batch if csv else batch.to_pandas()
    rows = frame[list(model.feature_names_in_)]
    answers = pd.DataFrame(model.predict_proba(rows), columns=[f"probability_{name}" for name in model.classes_])
    answers.insert(0, "label", model.predict(rows))
    table = pa.Table.from_pandas(answers, preserve_index=False)
    writer = writer or pq.ParquetWriter(target, table.schema)
    writer.write_table(table)
writer.close()
"""
# The same without scikit-learn: ONNX Runtime with its own threads, polars with its own.
BY_HAND = """
import json, sys, onnxruntime, polars as pl
graph, source, target = sys.argv[1:]
session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
columns = json.loads(session.get_modelmeta().custom_metadata_map["columns"])
table, parts = pl.scan_parquet(source), []
for first in range(0, table.select(pl.len()).collect().item(), 65536):
    frame = table.slice(first, 65536).collect()
    feed = {}
    for node, names in zip(session.get_inputs(), columns):
        some = frame.select(names)
        some = some if node.type == "tensor(string)" else some.cast(pl.Float64)
        feed[node.name] = some.to_numpy(order="c")
    label, probabilities = session.run(["label", "probabilities"], feed)
    parts.append(pl.DataFrame({"label": label, "no": probabilities[:, 0], "yes": probabilities[:, 1]}))
pl.concat(parts).write_parquet(target)
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Print one line a way of scoring."""
    parser = argparse.ArgumentParser(prog="python -m bench.scoring", description=__doc__)
    parser.add_argument("--rows", type=int, default=scale.ROWS)
    parser.add_argument("--only", choices=scale.ESTIMATORS, help="one of the estimators")
    parser.add_argument("--no-dask", action="store_true", help="without the cluster of two workers")
    parser.add_argument("--csv", action="store_true", help="score a CSV")
    options = parser.parse_args(argv)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    try:
        table = HOME / "table.parquet"
        scale.generate(table, options.rows)
        if options.csv:
            table = _as_csv(table)
        for name in [options.only] if options.only else scale.ESTIMATORS:
            _compare(name, table, options.rows, not options.no_dask)
    finally:
        shutil.rmtree(HOME, ignore_errors=True)


def _compare(name: str, table: Path, rows: int, dask: bool) -> None:
    command = [sys.executable, "-m", "bench.scale", "--rows", str(_TRAINED_ON), "--keep", "--only", name]
    command += ["--stages", "prepare,tune,train,convert,evaluate,package"]
    subprocess.run(command, cwd=scale.ROOT, check=True, stdout=subprocess.DEVNULL)
    artifact = HOME / "artifact"
    shutil.rmtree(artifact, ignore_errors=True)
    shutil.copytree(scale.HOME / "build/artifact", artifact)
    engines = manifest.Manifest.from_bytes((artifact / manifest.FILE).read_bytes()).engines
    print(f"{name} by {', '.join(engine.name for engine in engines)}, {rows} rows x 30 columns", flush=True)
    words = ["--artifact", str(artifact), "--digest", digest.of_file(artifact / manifest.FILE), "--input", str(table)]
    ours = ["-m", "scoring", *words, "--output"]
    plain = _measured(
        "pandas", ["-c", PLAIN, str(artifact / "model.joblib"), str(table), str(HOME / "plain.parquet")], rows
    )
    rate = _measured("scoring", [*ours, str(HOME / "here.parquet")], rows)
    print(f"  {rate / plain:.2f} times the rows a second of pandas", flush=True)
    if (artifact / GRAPH).is_file() and table.suffix == ".parquet":
        words = ["-c", BY_HAND, str(artifact / GRAPH), str(table), str(HOME / "by-hand.parquet")]
        by_hand = _measured("polars by hand", words, rows, environments.peer("polars", scale.ROOT / ".bench"))
        print(f"  {rate / by_hand:.2f} times the rows a second of polars and ONNX Runtime", flush=True)
    if dask:
        with tempfile.TemporaryDirectory(prefix="modelpin-bench-") as folder, cluster.running(Path(folder)) as address:
            _measured("two Dask workers", [*ours, str(HOME / "there.parquet")], rows, DASK_SCHEDULER_ADDRESS=address)
        same = digest.of_file(HOME / "there.parquet") == digest.of_file(HOME / "here.parquet")
        print(f"  {'the same bytes' if same else 'OTHER BYTES'} from the cluster", flush=True)


def _as_csv(table: Path) -> Path:
    path = table.with_suffix(".csv")
    with pyarrow.parquet.ParquetFile(table) as file, pyarrow.csv.CSVWriter(path, file.schema_arrow) as writer:
        for batch in file.iter_batches():
            writer.write_batch(batch)
    return path


def _measured(name: str, words: list[str], rows: int, python: Path = Path(sys.executable), **env: str) -> float:
    """Run `python` with `words`; rows a second."""
    began = time.monotonic()
    process = subprocess.Popen([python, *words], cwd=scale.ROOT, env={**os.environ, **env}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UsageError(f"{name} ended with {process.returncode}; what it says stands above")
    seconds = time.monotonic() - began
    print(
        f"  {name:<18} {seconds:7.1f} s  {usage.ru_utime + usage.ru_stime:7.1f} CPU-s  "
        f"{usage.ru_maxrss / 1024:6.0f} MiB  {rows / seconds:10,.0f} rows/s",
        flush=True,
    )
    return rows / seconds


if __name__ == "__main__":
    run(main)
