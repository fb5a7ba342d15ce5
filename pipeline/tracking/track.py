"""Stage track: this training in MLflow, once, whether it ran here or came out of a cache.

Runs are keyed by the digests of inputs and artifact: tracking again finds the run and its registered version instead of
adding others. A version that the gate refused is registered, too, so that it can be looked at; it gets no alias.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from pipeline.params.params import load
from pipeline.report.git_source import Source
from pipeline.shared import json_file, paths
from pipeline.tracking import server
from pipeline.tracking.run import Training

TRIGGER = "RETRAIN_TRIGGER"  # what asked for the training, as release's deploy puts it into its commit


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/tracked.json."""
    argparse.ArgumentParser(prog="python -m pipeline track", description=__doc__).parse_args(argv)
    training = Training.read(load())
    trigger = os.environ.get(TRIGGER, "")
    (run_id, version), address = server.ask(lambda registry: registry.record(training, Source.current(), trigger))
    # What every machine writes alike: dvc.lock names its hash.
    json_file.write(paths.TRACKED, training.key())
    role = "challenger" if training.passed else f"no alias: {training.outcome}"
    print(f"run {run_id}, {training.model} version {version} ({role}) at {address}")
