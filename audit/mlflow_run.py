"""The MLflow run and version of an artifact, by its digest."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from pipeline.shared import paths
from pipeline.tracking import server

# Who asks where a model comes from does not wait minutes for a server that is down.
_BOUNDS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


def find(digest: str) -> tuple[dict[str, Any] | None, str | None]:
    """Run, version and verdict of the first training that made it; or None, and why."""
    uri = server.address()
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).is_file():
        return None, f"no run: {server.URI} is not set, and there is no {paths.TRACKING}/ here"
    server.bound(_BOUNDS)
    address = server.without_password(uri)

    # Here, because MLflow reads the variables above when it is imported.
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from requests.exceptions import RequestException

    try:
        client = MlflowClient(uri, uri)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        condition = f"tags.model_digest = '{digest}' and attributes.status = 'FINISHED'"
        runs = client.search_runs(experiments, condition, order_by=["attributes.start_time ASC"], max_results=1)
        if not runs:
            return None, f"no run at {address} made this artifact"
        run_id = runs[0].info.run_id
        versions = client.search_model_versions(f"tags.model_digest = '{digest}'")
        with tempfile.TemporaryDirectory(prefix="modelpin-lineage-") as folder:
            verdict = json.loads(Path(client.download_artifacts(run_id, "verdict.json", folder)).read_text())
    except (MlflowException, RequestException, OSError) as error:
        return None, f"no run: tracking at {address} does not answer ({type(error).__name__})"
    version = str(versions[0].version) if versions else None
    return {"run_id": run_id, "version": version, "tracking": address, "verdict": verdict}, None
