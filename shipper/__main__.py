"""Ship the files of the inference log: as Parquet by digest and day, to a folder or to S3.

python -m shipper --from /var/inference-log --to s3://BUCKET/inference/MODEL --every 30
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from artifact.command import run
from artifact.errors import StorageError, UsageError
from shipper.destination import Destination
from shipper.ship import ship


def main(argv: Sequence[str] | None = None) -> None:
    """Once, or with --every until SIGTERM and `--grace` seconds more."""
    line = argparse.ArgumentParser(prog="python -m shipper", description=__doc__.partition("\n")[0])
    line.add_argument("--from", dest="folder", type=Path, required=True, help="the predictor's --inference_log")
    line.add_argument("--to", required=True, metavar="URI", help="a folder, or s3://bucket/prefix")
    line.add_argument("--every", type=float, metavar="SECONDS", help="go on, and try again what could not be stored")
    line.add_argument(
        "--grace", type=float, default=25.0, help="with --every: seconds to go on after SIGTERM (%(default)s)"
    )
    options = line.parse_args(argv)
    if options.every is not None and not options.every > 0:
        raise UsageError(f"--every {options.every:g} is not above 0: say how many seconds lie between two times")
    if options.every is None and not options.folder.is_dir():
        raise UsageError(f"--from {options.folder} is no folder: give the predictor's --inference_log")
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


if __name__ == "__main__":
    run(main)
