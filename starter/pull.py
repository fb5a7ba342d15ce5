"""Fetch the raw data that params.yaml names from the DVC remote, verified against its .dvc file; nothing else."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact.errors import ConfigurationError, IntegrityError, StorageError
from pipeline.params.params import load


def main(argv: Sequence[str] | None = None) -> None:
    """Check out data.path.

    IntegrityError (20) where the remote has other bytes under its name, StorageError (30) where it has none or does not
    answer.
    """
    argparse.ArgumentParser(prog="python -m starter pull", description=__doc__).parse_args(argv)
    dvc_file = Path(f"{load().data.path}.dvc")
    if not dvc_file.is_file():
        raise ConfigurationError(
            f"{dvc_file} is not here: put the data under DVC with `dvc add {dvc_file.with_suffix('')}`"
        )
    command = [sys.executable, "-m", "dvc", "pull", str(dvc_file)]
    process = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    sys.stderr.write(process.stderr)
    if process.returncode:
        from starter import dvc_remote  # here, because it loads DVC, which a pull that works does not need

        other = dvc_remote.damaged(dvc_file)
        if other is not None:
            raise IntegrityError(
                f"{other} is not what {dvc_file} names: somebody overwrote it, or it is damaged; nothing is taken from "
                f"it: delete that object, then `dvc push {dvc_file}` from a machine that has the data"
            )
        message = " ".join(line for line in process.stderr.splitlines() if line.strip())
        if "Unable to locate credentials" in message:
            raise StorageError(
                f"{dvc_file} cannot be pulled: there are no credentials for the remote of .dvc/config: set "
                "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for the example alone `make data` does"
            )
        raise StorageError(
            f"{dvc_file} cannot be pulled: {message[-300:]}; it was never pushed (`dvc push {dvc_file}`), "
            "or the remote of .dvc/config is not reachable"
        )
