"""Stage track: this training in MLflow, once, whether it ran here or came out of a cache.

MLFLOW_TRACKING_URI names the server; without it the run goes to a database in .mlflow/ of this folder. Runs are keyed
by the digests of inputs and artifact: tracking again finds the run and its registered version instead of adding others.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from artifact.command import run
from artifact.errors import StorageError
from pipeline import paths
from pipeline.params import load
from pipeline.source import Source
from pipeline.training import Training

# A server that is down is told apart within about a minute (MLflow's own defaults: six); set by the caller, they hold.
_BOUNDS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
}
_URI = "MLFLOW_TRACKING_URI"


def main(argv: Sequence[str] | None = None) -> None:
    """Write build/tracked.json."""
    argparse.ArgumentParser(prog="python -m pipeline.track", description=__doc__).parse_args(argv)
    training = Training.read(load())
    for name, value in _BOUNDS.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    uri = os.environ.get(_URI) or _local()

    # Here, because MLflow reads the variables above when it is imported.
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    from pipeline.registry import Registry

    try:
        run_id, version = Registry(uri).record(training, Source.here())
    except (MlflowException, RequestException, OSError) as error:
        raise StorageError(
            f"tracking at {_shown(uri)} failed: {str(error).replace(uri, _shown(uri))[:300]}; "
            f"start the server, correct {_URI}, or unset it to track in {paths.TRACKING}/ here"
        ) from error
    # What every machine writes alike: dvc.lock names its hash.
    paths.TRACKED.write_text(json.dumps(training.key(), indent=2) + "\n", encoding="utf-8")
    print(f"run {run_id}, {training.model} version {version} (challenger) at {_shown(uri)}")


def _local() -> str:
    folder = paths.TRACKING.resolve()
    folder.mkdir(exist_ok=True)
    return f"sqlite:///{folder}/mlflow.db"


def _shown(uri: str) -> str:
    """`uri` without user name and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else uri


if __name__ == "__main__":
    run(main)
