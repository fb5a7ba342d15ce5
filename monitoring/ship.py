"""Ship the files of the inference log: as Parquet by digest and day, to a folder or to S3.

Runs beside the predictor, with credentials that the predictor has not. A file is deleted when what was made of it is
stored, under a name that is made from its own: killed at any point and run again, it loses and doubles nothing.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from artifact.errors import StorageError, UsageError

SUFFIX = ".jsonl"  # of a complete file of the predictor's
_DAY = "%Y-%m-%d"


class Destination:
    """A folder, or s3://bucket/prefix with the credentials of AWS's usual chain; AWS_ENDPOINT_URL names another S3."""

    def __init__(self, uri: str) -> None:
        """UsageError (2) for a URI of anything else."""
        try:
            self._files, self._root = fs.FileSystem.from_uri(uri if "://" in uri else str(Path(uri).resolve()))
        except (pa.ArrowInvalid, OSError) as error:
            raise UsageError(f"--to {uri!r} is neither a folder nor s3://bucket/prefix: {error}") from error

    def write(self, key: str, table: pa.Table) -> None:
        """The table as one Parquet file; StorageError (30) where the storage does not take it."""
        path = f"{self._root}/{key}"
        try:
            if isinstance(self._files, fs.LocalFileSystem):
                self._files.create_dir(path.rpartition("/")[0], recursive=True)
            pq.write_table(table, path + ".new" * self._is_local, filesystem=self._files, compression="zstd")
            if self._is_local:  # S3 has an object whole or not at all
                self._files.move(path + ".new", path)
        except OSError as error:
            raise StorageError(f"{path} could not be written: {error}") from error

    @property
    def _is_local(self) -> bool:
        return isinstance(self._files, fs.LocalFileSystem)


def ship(folder: Path, destination: Destination) -> tuple[int, int]:
    """Ship each complete file in `folder`: (rows shipped, lines that were no JSON object, as a killed process leaves).

    StorageError (30) at the first that cannot be stored; that one and those behind it stay.
    """
    shipped = torn = 0
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        lots: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for line in file.read_bytes().splitlines():
            try:
                row = json.loads(line)
                day = datetime.fromtimestamp(row["time"], UTC).strftime(_DAY)
                lots.setdefault((row.pop("digest"), day), []).append(row)
            except (ValueError, KeyError, TypeError):
                torn += 1
        for (digest, day), rows in lots.items():
            destination.write(f"digest={digest}/day={day}/{file.stem}.parquet", _table(rows))
            shipped += len(rows)
        file.unlink()
    return shipped, torn


def _table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Inputs as columns `in:NAME`, probabilities as `p:CLASS`, other outputs as `out:NAME`; times in UTC."""
    flat = []
    for row in rows:
        line = {name: row[name] for name in ("request_id", "row", "release", "prediction")}
        line["time"] = datetime.fromtimestamp(row["time"], UTC)
        for key, prefix in (("inputs", "in"), ("probabilities", "p"), ("more", "out")):
            line |= {f"{prefix}:{name}": value for name, value in (row.get(key) or {}).items()}
        flat.append(line)
    return pa.Table.from_pylist(flat)


def main(argv: Sequence[str] | None = None) -> None:
    """Once, or with --every until SIGTERM and `--grace` seconds more."""
    line = argparse.ArgumentParser(prog="python -m monitoring ship", description=__doc__)
    line.add_argument("--from", dest="folder", type=Path, required=True, help="the predictor's --inference_log")
    line.add_argument("--to", required=True, metavar="URI", help="a folder, or s3://bucket/prefix")
    line.add_argument("--every", type=float, metavar="SECONDS", help="go on, and try again what could not be stored")
    line.add_argument(
        "--grace", type=float, default=25.0, help="with --every: seconds to go on after SIGTERM (%(default)s)"
    )
    options = line.parse_args(argv)
    destination = Destination(options.to)
    if options.every is None:
        _say(*ship(options.folder, destination))
        return
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while not ended.wait(options.every):
        _try(options.folder, destination)
    # The predictor is told to end at the same time, and answers what it has before it completes its last file.
    last = time.monotonic() + options.grace
    while time.monotonic() < last:
        time.sleep(min(1.0, options.grace))
        _try(options.folder, destination)


def _try(folder: Path, destination: Destination) -> None:
    try:
        _say(*ship(folder, destination))
    except StorageError as error:
        print(json.dumps({"level": "error", "event": "ship", "message": str(error)}), flush=True)


def _say(shipped: int, torn: int) -> None:
    if shipped or torn:
        print(json.dumps({"level": "info", "event": "ship", "rows": shipped, "torn_lines": torn}), flush=True)
