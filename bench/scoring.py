"""Batch scoring beside the loop that a person would write: the same model, the same rows, in the same run.

`python -m bench.scoring` trains a small model of `bench.scale`, generates a table of 10 million rows x 30 columns, and
scores it with `python -m scoring`, with a plain loop of pandas (read, predict, write), and with two local Dask workers.
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

from artifact import digest, manifest
from artifact.command import run
from artifact.errors import UsageError
from bench import cluster, scale

HOME = scale.ROOT / ".bench/scoring"
_TRAINED_ON = 50_000
# What stands in many a repository: no validation, no verification, no way back after a kill.
PLAIN = """
import sys, joblib, pandas as pd, pyarrow as pa, pyarrow.parquet as pq
model, source, target = sys.argv[1:]
model, writer = joblib.load(model), None
for batch in pq.ParquetFile(source).iter_batches(65536):
    frame = batch.to_pandas()
    rows = frame[list(model.feature_names_in_)]
    answers = pd.DataFrame(model.predict_proba(rows), columns=[f"probability_{name}" for name in model.classes_])
    answers.insert(0, "label", model.predict(rows))
    table = pa.Table.from_pandas(answers, preserve_index=False)
    writer = writer or pq.ParquetWriter(target, table.schema)
    writer.write_table(table)
writer.close()
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Print one line a way of scoring."""
    parser = argparse.ArgumentParser(prog="python -m bench.scoring", description=__doc__)
    parser.add_argument("--rows", type=int, default=scale.ROWS)
    parser.add_argument("--only", choices=scale.ESTIMATORS, help="one of the two estimators")
    parser.add_argument("--no-dask", action="store_true", help="without the cluster of two workers")
    options = parser.parse_args(argv)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    try:
        table = HOME / "table.parquet"
        scale.generate(table, options.rows)
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
    engine = manifest.Manifest.from_bytes((artifact / manifest.FILE).read_bytes()).engine
    print(f"{name} by {engine}, {rows} rows x 30 columns", flush=True)
    words = ["--artifact", str(artifact), "--digest", digest.of_file(artifact / manifest.FILE), "--input", str(table)]
    ours = ["-m", "scoring", *words, "--output"]
    plain = _measured(
        "pandas", ["-c", PLAIN, str(artifact / "model.joblib"), str(table), str(HOME / "plain.parquet")], rows
    )
    here = _measured("scoring", [*ours, str(HOME / "here.parquet")], rows)
    print(f"  {here / plain:.2f} times the rows a second of pandas", flush=True)
    if dask:
        with tempfile.TemporaryDirectory(prefix="modelpin-bench-") as folder, cluster.running(Path(folder)) as address:
            _measured("two Dask workers", [*ours, str(HOME / "there.parquet")], rows, DASK_SCHEDULER_ADDRESS=address)
        same = digest.of_file(HOME / "there.parquet") == digest.of_file(HOME / "here.parquet")
        print(f"  {'the same bytes' if same else 'OTHER BYTES'} from the cluster", flush=True)


def _measured(name: str, words: list[str], rows: int, **env: str) -> float:
    """Run Python with `words`; rows a second."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *words], cwd=scale.ROOT, env={**os.environ, **env}, stdout=subprocess.DEVNULL
    )
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
