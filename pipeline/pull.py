"""Fetch the raw data that params.yaml names from the DVC remote, verified against its .dvc file; nothing else."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact.command import run
from artifact.errors import ConfigurationError, StorageError
from pipeline.params import load


def main(argv: Sequence[str] | None = None) -> None:
    """Check out data.path; StorageError (30) where the remote does not give those very bytes."""
    argparse.ArgumentParser(prog="python -m pipeline.pull", description=__doc__).parse_args(argv)
    tracked = Path(f"{load().data.path}.dvc")
    if not tracked.is_file():
        raise ConfigurationError(
            f"{tracked} is not here: put the data under DVC with `dvc add {tracked.with_suffix('')}`"
        )
    command = [sys.executable, "-m", "dvc", "pull", str(tracked)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode:
        said = " ".join(line for line in done.stderr.splitlines() if line.strip())
        raise StorageError(
            f"{tracked} cannot be pulled: {said[-300:]}; it was never pushed (`dvc push {tracked}`), is damaged there, "
            "or the remote of .dvc/config is not reachable"
        )


if __name__ == "__main__":
    run(main)
